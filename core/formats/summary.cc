#include "core/formats/summary.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <set>

#include "core/formats/tensor_proto.h"
#include "core/formats/wire.h"

namespace tw {
namespace {

// Field numbers of Summary.Value.
enum Field : uint32_t { kTag = 1, kSimple = 2, kImage = 4, kHisto = 5, kAudio = 6, kTensor = 8, kMetadata = 9 };

std::string value_message(std::string_view tag, uint32_t field, const std::string& message) {
  std::string bytes;
  protozero::pbf_writer out(bytes);
  out.add_string(kTag, tag.data(), tag.size());
  out.add_message(field, message);
  return bytes;
}

const std::vector<double>& bucket_limits() {
  static const std::vector<double> limits = [] {
    std::vector<double> positive;
    for (double v = 1e-12; v < 1e20; v *= 1.1) positive.push_back(v);
    positive.push_back(DBL_MAX);
    std::vector<double> all;
    for (size_t i = positive.size(); i-- > 0;) all.push_back(-positive[i]);
    all.push_back(0);
    all.insert(all.end(), positive.begin(), positive.end());
    return all;
  }();
  return limits;
}

void put16(std::string* out, uint32_t v) {
  out->push_back(static_cast<char>(v));
  out->push_back(static_cast<char>(v >> 8));
}
void put32(std::string* out, uint32_t v) {
  put16(out, v);
  put16(out, v >> 16);
}

}  // namespace

std::string make_summary(std::span<const std::string> values) {
  std::string bytes;
  protozero::pbf_writer out(bytes);
  for (const std::string& v : values) out.add_message(1, v);
  return bytes;
}

Result<std::string> merge_summaries(std::span<const std::string> summaries) {
  std::string merged;
  protozero::pbf_writer out(merged);
  std::set<std::string, std::less<>> tags;
  try {
    for (const std::string& summary : summaries) {
      protozero::pbf_reader in = wire::reader(summary);
      while (in.next()) {
        if (in.tag() != 1) {
          in.skip();
          continue;
        }
        const std::string_view value = wire::take_view(in);
        protozero::pbf_reader fields = wire::reader(value);
        while (fields.next()) {
          if (fields.tag() != kTag) {
            fields.skip();
            continue;
          }
          const std::string tag = fields.get_string();
          // The tag is optional: values made by tensor summaries without one do not collide.
          if (!tag.empty() && !tags.insert(tag).second) {
            return invalid_argument("Duplicate tag ", tag, " found in summary inputs");
          }
        }
        out.add_message(1, value.data(), value.size());
      }
    }
  } catch (const protozero::exception&) {
    return invalid_argument("Could not parse one of the summary inputs");
  }
  return merged;
}

std::string scalar_summary(std::string_view tag, float value) {
  std::string bytes;
  protozero::pbf_writer out(bytes);
  out.add_string(kTag, tag.data(), tag.size());
  out.add_float(kSimple, value);
  return bytes;
}

Histogram::Histogram() : counts_(bucket_limits().size()), min_(DBL_MAX), max_(-DBL_MAX) {}

void Histogram::add(double value) {
  const std::vector<double>& limits = bucket_limits();
  // The limits end at the largest double: only that value itself has none above it.
  const size_t bucket = static_cast<size_t>(std::upper_bound(limits.begin(), limits.end(), value) - limits.begin());
  counts_[std::min(bucket, counts_.size() - 1)] += 1;
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
  num_ += 1;
  sum_ += value;
  sum_squares_ += value * value;
}

std::string Histogram::encode() const {
  const std::vector<double>& limits = bucket_limits();
  std::vector<double> ends, counts;
  for (size_t i = 0; i < counts_.size();) {
    double end = limits[i];
    const double count = counts_[i++];
    if (count == 0) {
      for (; i < counts_.size() && counts_[i] == 0; ++i) end = limits[i];
    }
    ends.push_back(end);
    counts.push_back(count);
  }
  std::string bytes;
  protozero::pbf_writer out(bytes);
  const double scalars[] = {min_, max_, num_, sum_, sum_squares_};
  for (uint32_t i = 0; i < 5; ++i) {
    if (scalars[i] != 0) out.add_double(i + 1, scalars[i]);
  }
  out.add_packed_double(6, ends.begin(), ends.end());
  out.add_packed_double(7, counts.begin(), counts.end());
  return bytes;
}

std::string histogram_summary(std::string_view tag, const Histogram& histogram) {
  return value_message(tag, kHisto, histogram.encode());
}

Result<std::string> image_summary(std::string_view tag, const uint8_t* pixels, int height, int width, int channels) {
  TW_ASSIGN_OR_RETURN(const std::string png, encode_png(pixels, height, width, channels));
  std::string image;
  protozero::pbf_writer out(image);
  out.add_int32(1, height);
  out.add_int32(2, width);
  out.add_int32(3, channels);
  out.add_bytes(4, png);
  return value_message(tag, kImage, image);
}

Result<std::string> encode_wav(const float* samples, int64_t frames, int64_t channels, int sample_rate) {
  if (channels < 1 || channels > 65535) return invalid_argument("num_channels must be positive, got ", channels);
  if (sample_rate <= 0) return invalid_argument("sample_rate must be positive, got ", sample_rate);
  if (frames > (int64_t{UINT32_MAX} - 44) / (2 * channels)) {
    return invalid_argument("the audio has ", frames, " frames, too many for a WAV file");
  }
  const auto data_bytes = static_cast<uint32_t>(frames * channels * 2);
  const auto rate = static_cast<uint32_t>(sample_rate), lanes = static_cast<uint32_t>(channels);
  std::string out = "RIFF";
  out.reserve(44 + data_bytes);
  put32(&out, 36 + data_bytes);
  out += "WAVEfmt ";
  put32(&out, 16);
  put16(&out, 1);  // plain samples
  put16(&out, lanes);
  put32(&out, rate);
  put32(&out, rate * lanes * 2);
  put16(&out, lanes * 2);
  put16(&out, 16);
  out += "data";
  put32(&out, data_bytes);
  for (int64_t i = 0; i < frames * channels; ++i) {
    const float scaled = std::isnan(samples[i]) ? 0.0f : std::clamp(samples[i] * 32768.0f, -32768.0f, 32767.0f);
    put16(&out, static_cast<uint16_t>(static_cast<int16_t>(std::lround(scaled))));
  }
  return out;
}

Result<std::string> audio_summary(std::string_view tag, const float* samples, int64_t frames, int64_t channels,
                                  float sample_rate) {
  if (!(sample_rate > 0 && sample_rate < 1e9f))
    return invalid_argument("sample_rate must be positive, got ", sample_rate);
  TW_ASSIGN_OR_RETURN(const std::string wav,
                      encode_wav(samples, frames, channels, static_cast<int>(std::lrint(sample_rate))));
  std::string audio;
  protozero::pbf_writer out(audio);
  out.add_float(1, sample_rate);
  out.add_int64(2, channels);
  out.add_int64(3, frames);
  out.add_bytes(4, wav);
  out.add_string(5, "audio/wav");
  return value_message(tag, kAudio, audio);
}

Result<std::string> tensor_summary(std::string_view tag, const Tensor& tensor, std::string_view metadata) {
  TW_ASSIGN_OR_RETURN(const std::string proto, encode_tensor(tensor));
  std::string bytes;
  protozero::pbf_writer out(bytes);
  if (!tag.empty()) out.add_string(kTag, tag.data(), tag.size());
  out.add_message(kTensor, proto);
  if (!metadata.empty()) out.add_message(kMetadata, metadata.data(), metadata.size());
  return bytes;
}

std::string summary_metadata(std::string_view display_name, std::string_view description) {
  std::string bytes;
  protozero::pbf_writer out(bytes);
  if (!display_name.empty()) out.add_string(2, display_name.data(), display_name.size());
  if (!description.empty()) out.add_string(3, description.data(), description.size());
  return bytes;
}

}  // namespace tw
