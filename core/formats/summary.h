// Summary messages: what training programs log for the board. Each function returns one serialised Summary.Value; a
// Summary is any number of them, joined by make_summary.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/framework/tensor.h"

namespace tw {

std::string make_summary(std::span<const std::string> values);
// Joins serialised Summary messages; InvalidArgument for a tag that occurs twice or for malformed bytes.
Result<std::string> merge_summaries(std::span<const std::string> summaries);

std::string scalar_summary(std::string_view tag, float value);

// Counts in buckets that grow by a tenth from 1e-12 to 1e20 on both sides of zero.
class Histogram {
 public:
  Histogram();
  void add(double value);
  std::string encode() const;  // HistogramProto; runs of empty buckets are one bucket

 private:
  std::vector<double> counts_;
  double min_, max_, num_ = 0, sum_ = 0, sum_squares_ = 0;
};
std::string histogram_summary(std::string_view tag, const Histogram& histogram);

// `pixels`: height * width * channels bytes, 1 (grey), 3 (RGB) or 4 (RGBA) channels.
Result<std::string> encode_png(const uint8_t* pixels, int height, int width, int channels);
Result<std::string> image_summary(std::string_view tag, const uint8_t* pixels, int height, int width, int channels);

// `samples`: frames * channels floats in -1..1.
Result<std::string> encode_wav(const float* samples, int64_t frames, int64_t channels, int sample_rate);
Result<std::string> audio_summary(std::string_view tag, const float* samples, int64_t frames, int64_t channels,
                                  float sample_rate);

// `metadata`: a serialised SummaryMetadata, may be empty.
Result<std::string> tensor_summary(std::string_view tag, const Tensor& tensor, std::string_view metadata);
std::string summary_metadata(std::string_view display_name, std::string_view description);

}  // namespace tw
