// TensorProto and TensorShapeProto: the wire form of tensors in graphs, checkpoints' indices and summaries.
#pragma once

#include <string>
#include <string_view>

#include "core/framework/tensor.h"

namespace tw {

// The serialised message. A tensor of one element, or of equal elements, goes into the typed field of its dtype;
// others into tensor_content. InvalidArgument for resource and variant tensors, which live in one process only.
Result<std::string> encode_tensor(const Tensor& t);
// Takes every form that TF writes. InvalidArgument for malformed bytes, negative dimensions, contents of the wrong
// size.
Result<Tensor> decode_tensor(std::string_view bytes);

std::string encode_shape(const Shape& s);
Result<Shape> decode_shape(std::string_view bytes, bool allow_unknown);

}  // namespace tw
