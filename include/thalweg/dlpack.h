/* The memory layout of DLPack's exchange structs (version 0, "dltensor" capsules), for programs that do not have
 * dlpack.h. Skipped when that header was included before. */
#ifndef THALWEG_DLPACK_H_
#define THALWEG_DLPACK_H_

#include <stdint.h>

#ifndef DLPACK_VERSION
#ifndef DLPACK_DLPACK_H_
#ifdef __cplusplus
extern "C" {
#endif

enum { TW_DL_CPU = 1 };
enum { TW_DL_INT = 0, TW_DL_UINT = 1, TW_DL_FLOAT = 2, TW_DL_BFLOAT = 4, TW_DL_COMPLEX = 5, TW_DL_BOOL = 6 };

typedef struct DLDevice {
  int32_t device_type;
  int32_t device_id;
} DLDevice;

typedef struct DLDataType {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
} DLDataType;

typedef struct DLTensor {
  void* data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t* shape;
  int64_t* strides; /* in elements; NULL: row-major */
  uint64_t byte_offset;
} DLTensor;

typedef struct DLManagedTensor {
  DLTensor dl_tensor;
  void* manager_ctx;
  void (*deleter)(struct DLManagedTensor* self);
} DLManagedTensor;

#ifdef __cplusplus
}
#endif
#endif
#endif
#endif /* THALWEG_DLPACK_H_ */
