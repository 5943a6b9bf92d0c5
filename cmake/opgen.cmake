# Runs tools/opgen over the op rows. Everything it writes goes below gen/ in the build folder.
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
set(TW_GEN_DIR ${PROJECT_BINARY_DIR}/gen)
set(TW_GEN_framework ${TW_GEN_DIR}/core/framework/op_table.gen.cc)
set(TW_GEN_graph ${TW_GEN_DIR}/core/graph/ops.gen.cc)
set(TW_GEN_kernels ${TW_GEN_DIR}/core/kernels/kernel_table.gen.cc)
set(TW_GEN_autodiff ${TW_GEN_DIR}/core/autodiff/grad_table.gen.cc)
set(TW_GEN_HEADERS ${TW_GEN_DIR}/core/framework/op_ids.gen.h ${TW_GEN_DIR}/core/graph/ops.gen.h)
set(TW_GEN_PYTHON ${TW_GEN_DIR}/op_table.json ${TW_GEN_DIR}/raw_ops.pyi)
set(TW_GEN_TESTS ${TW_GEN_DIR}/tests/sweeps.gen.txt)

file(GLOB TW_OP_ROWS CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/core/ops/*.toml)
file(GLOB TW_OPGEN_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tools/opgen/*.py)
set(TW_GEN_ALL ${TW_GEN_framework} ${TW_GEN_graph} ${TW_GEN_kernels} ${TW_GEN_autodiff} ${TW_GEN_HEADERS} ${TW_GEN_PYTHON}
    ${TW_GEN_TESTS})
add_custom_command(
  OUTPUT ${TW_GEN_ALL}
  COMMAND ${Python3_EXECUTABLE} -m opgen --rows ${PROJECT_SOURCE_DIR}/core/ops --out ${TW_GEN_DIR}
          --docs ${TW_GEN_DIR}/docs/ops
  WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}/tools
  DEPENDS ${TW_OP_ROWS} ${TW_OPGEN_SOURCES}
  COMMENT "opgen")
add_custom_target(tw_generated DEPENDS ${TW_GEN_ALL})
