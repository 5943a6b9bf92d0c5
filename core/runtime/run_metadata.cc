#include "core/runtime/run_metadata.h"

#include <algorithm>
#include <protozero/pbf_writer.hpp>

namespace tw {
namespace {

std::string shape_message(const Shape& shape) {
  std::string out;
  protozero::pbf_writer w(out);
  for (const int64_t d : shape.dims()) {
    protozero::pbf_writer dim(w, 2);
    dim.add_int64(1, d);
  }
  if (!shape.rank_known()) w.add_bool(3, true);
  return out;
}

void write_event(protozero::pbf_writer& w, const StepTrace::Event& e, int64_t start_unix_us) {
  const int64_t start_us = e.start_ns / 1000, end_us = (e.end_ns + 999) / 1000;
  w.add_string(1, e.node);
  w.add_int64(2, start_unix_us + start_us);
  w.add_int64(4, end_us - start_us);  // the op began when it was scheduled: no start offset
  w.add_int64(5, end_us - start_us);
  for (size_t i = 0; i < e.outputs.size(); ++i) {
    protozero::pbf_writer out(w, 7);
    out.add_int32(1, static_cast<int32_t>(i));
    protozero::pbf_writer description(out, 3);
    description.add_enum(1, static_cast<int32_t>(e.outputs[i].first));
    description.add_message(2, shape_message(e.outputs[i].second));
  }
  w.add_string(8, e.node + " = " + e.op);
  w.add_int64(9, start_unix_us + start_us);
  w.add_uint32(10, static_cast<uint32_t>(e.lane));
  w.add_int64(13, start_unix_us * 1000 + e.start_ns);
  w.add_int64(15, e.end_ns - e.start_ns);
  w.add_int64(16, e.end_ns - e.start_ns);
}

}  // namespace

std::string encode_run_metadata(const StepTrace& trace) {
  std::string stats;
  protozero::pbf_writer device(stats);
  device.add_string(1, "/job:localhost/replica:0/task:0/device:CPU:0");
  int lanes = 0;
  for (const auto& e : trace.events) {
    protozero::pbf_writer node(device, 2);
    write_event(node, e, trace.start_unix_us);
    lanes = std::max(lanes, e.lane + 1);
  }
  for (int lane = 0; lane < lanes; ++lane) {
    protozero::pbf_writer entry(device, 3);
    entry.add_uint32(1, static_cast<uint32_t>(lane));
    entry.add_string(2, "lane " + std::to_string(lane));
  }
  std::string step_stats, out;
  protozero::pbf_writer(step_stats).add_message(1, stats);
  protozero::pbf_writer(out).add_message(1, step_stats);
  return out;
}

}  // namespace tw
