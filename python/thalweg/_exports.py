"""The names of the top level, by the module that defines them. Modules are imported when one of their names is first
used, so that `import thalweg` costs little."""

# module below thalweg -> names; "a=b" exports b as a.
MODULES = {
    "framework.ops": """Graph GraphKeys IndexedSlices NoGradient NotDifferentiable Operation RegisterGradient Tensor
        add_to_collection add_to_collections colocate_with container control_dependencies
        convert_to_tensor_or_sparse_tensor device get_collection get_collection_ref get_default_graph
        get_default_session init_scope name_scope no_gradient=NoGradient op_scope register_tensor_conversion_function
        reset_default_graph""",
    "framework.conversion": """convert_to_tensor=convert_to_tensor_v1
        convert_to_tensor_or_indexed_slices=convert_to_tensor_or_indexed_slices_v1""",
    "framework.dtypes": """DType QUANTIZED_DTYPES as_dtype bfloat16 bool complex128 complex64 double float16 float32
        float64 half int16 int32 int64 int8 qint16 qint32 qint8 quint16 quint8 resource string uint16 uint32 uint64
        uint8 variant""",
    "framework.tensor_shape": "Dimension TensorShape dimension_at_index dimension_value",
    "framework.errors": "OpError",
    "framework.device": "DeviceSpec",
    "framework.sparse_tensor": "SparseTensor SparseTensorValue",
    "framework.tensor_spec": "TensorSpec TypeSpec",
    "framework.random_seed": "get_seed set_random_seed",
    "framework.constant_op": "constant",
    "framework.tensor_util": "get_static_value=constant_value is_tensor make_ndarray make_tensor_proto",
    "framework.importer": "import_graph_def",
    "client.session": "InteractiveSession Session",
    "ops.variables": """Variable VariableAggregation VariableSynchronization all_variables assert_variables_initialized
        global_variables global_variables_initializer initialize_all_variables initialize_local_variables
        initialize_variables is_variable_initialized local_variables local_variables_initializer model_variables
        moving_average_variables report_uninitialized_variables trainable_variables variables_initializer""",
    "ops.variable_scope": """AUTO_REUSE VariableScope create_partitioned_variables disable_resource_variables
        enable_resource_variables fixed_size_partitioner get_local_variable get_variable get_variable_scope
        min_max_variable_partitioner no_regularizer resource_variables_enabled variable_axis_size_partitioner
        variable_creator_scope variable_op_scope variable_scope""",
    "ops.init_ops": """constant_initializer glorot_normal_initializer glorot_uniform_initializer ones_initializer
        random_normal_initializer random_uniform_initializer truncated_normal_initializer
        uniform_unit_scaling_initializer variance_scaling_initializer zeros_initializer""",
    "ops.orthogonal_init": "orthogonal_initializer",
    "ops.state_ops": """assign assign_add assign_sub batch_scatter_update count_up_to scatter_add scatter_div
        scatter_max scatter_min scatter_mul scatter_nd_add scatter_nd_sub scatter_nd_update scatter_sub
        scatter_update""",
    "ops.math_ops": """abs accumulate_n acos acosh add add_n angle arg_max arg_min argmax argmin asin asinh atan atan2
        atanh bincount cast ceil complex conj cos cosh count_nonzero cumprod cumsum digamma div div_no_nan divide equal
        erf erfc exp expm1 floor floor_div floordiv floormod greater greater_equal imag is_finite is_inf is_nan less
        less_equal lgamma lin_space linspace log log1p log_sigmoid logical_and logical_not logical_or logical_xor matmul
        maximum minimum mod mul=multiply multiply neg=negative negative not_equal pow range real realdiv reciprocal
        reduce_all reduce_any reduce_logsumexp reduce_max reduce_mean reduce_min reduce_prod reduce_sum rint round rsqrt
        saturate_cast scalar_mul segment_max segment_mean segment_min segment_prod segment_sum sigmoid sign sin sinh
        sparse_matmul sparse_segment_mean sparse_segment_sqrt_n sparse_segment_sum sqrt square squared_difference
        sub=subtract subtract tan tanh tensordot to_bfloat16 to_complex128 to_complex64 to_double to_float to_int32
        to_int64 truediv truncatediv truncatemod unsorted_segment_max unsorted_segment_mean unsorted_segment_min
        unsorted_segment_prod unsorted_segment_sqrt_n unsorted_segment_sum""",
    "ops.array_ops": """batch_gather batch_to_space batch_to_space_nd bitcast boolean_mask broadcast_dynamic_shape
        broadcast_static_shape broadcast_to check_numerics concat depth_to_space diag diag_part expand_dims fill gather
        gather_nd guarantee_const identity identity_n invert_permutation matrix_band_part matrix_diag matrix_diag_part
        matrix_set_diag matrix_transpose meshgrid newaxis one_hot ones ones_like pack pad placeholder
        placeholder_with_default rank repeat required_space_to_batch_paddings reshape reverse reverse_sequence
        reverse_v2 scatter_nd searchsorted sequence_mask setdiff1d shape shape_n size slice space_to_batch
        space_to_batch_nd space_to_depth sparse_placeholder split squeeze stack stop_gradient strided_slice tile
        transpose unique unique_with_counts unpack unravel_index unstack where where_v2 zeros zeros_like""",
    "ops.data_flow_ops": """dynamic_partition dynamic_stitch ensure_shape roll tensor_scatter_add
        tensor_scatter_nd_add=tensor_scatter_add tensor_scatter_nd_sub=tensor_scatter_sub
        tensor_scatter_nd_update=tensor_scatter_update tensor_scatter_sub tensor_scatter_update""",
    "ops.sparse_ops": """sparse_add sparse_concat sparse_fill_empty_rows sparse_mask sparse_maximum sparse_merge
        sparse_minimum sparse_reduce_max sparse_reduce_max_sparse sparse_reduce_sum sparse_reduce_sum_sparse
        sparse_reorder sparse_reset_shape sparse_reshape sparse_retain sparse_slice sparse_softmax sparse_split
        sparse_tensor_dense_matmul sparse_tensor_to_dense sparse_to_dense sparse_to_indicator sparse_transpose""",
    "ops.string_ops": """as_string decode_base64 decode_raw encode_base64 fingerprint matching_files read_file
        reduce_join regex_replace string_join string_split string_strip string_to_hash_bucket string_to_hash_bucket_fast
        string_to_hash_bucket_strong string_to_number substr write_file""",
    "ops.random_ops": """multinomial random_crop random_gamma random_normal random_poisson random_shuffle random_uniform
        truncated_normal""",
    "ops.linalg_ops": """cholesky cholesky_solve eye matrix_determinant matrix_inverse matrix_solve matrix_solve_ls
        matrix_square_root matrix_triangular_solve norm qr self_adjoint_eig self_adjoint_eigvals svd trace""",
    "ops.signal.fft_ops": "fft fft2d fft3d ifft ifft2d ifft3d",
    "ops.control_flow_ops": "Assert group no_op tuple",
    "ops.cond": "case cond switch_case",
    "ops.while_loop": "while_loop",
    "ops.tensor_array_ops": "TensorArray",
    "ops.functional_ops": "foldl foldr map_fn scan",
    "ops.check_ops": """assert_equal assert_greater assert_greater_equal assert_integer assert_less assert_less_equal
        assert_near assert_negative assert_non_negative assert_non_positive assert_none_equal assert_positive
        assert_proper_iterable assert_rank assert_rank_at_least assert_rank_in assert_same_float_dtype assert_scalar
        assert_type is_non_decreasing is_numeric_tensor is_strictly_increasing""",
    "ops.logging_ops": "Print print=print_v2",
    "ops.confusion_matrix": "confusion_matrix",
    "ops.special_math_ops": "einsum",
    "ops.special_functions": "betainc igamma igammac lbeta polygamma zeta",
    "ops.quantize_ops": """fake_quant_with_min_max_args fake_quant_with_min_max_args_gradient
        fake_quant_with_min_max_vars fake_quant_with_min_max_vars_gradient fake_quant_with_min_max_vars_per_channel
        fake_quant_with_min_max_vars_per_channel_gradient""",
    "ops.sort_ops": "argsort sort",
    "ops.histogram_ops": "histogram_fixed_width histogram_fixed_width_bins",
    "ops.numerics": "add_check_numerics_ops verify_tensor_all_finite",
    "ops.clip_ops": "clip_by_average_norm clip_by_global_norm clip_by_norm clip_by_value global_norm",
    "ops.gradients_impl": "AggregationMethod UnconnectedGradients gradients hessians",
    "ops.template": "make_template",
    "summary.legacy": "histogram_summary image_summary merge_all_summaries merge_summary scalar_summary",
    "ops.io_ops": "FixedLengthRecordReader IdentityReader ReaderBase TFRecordReader TextLineReader WholeFileReader",
    "ops.parsing_ops": """FixedLenFeature FixedLenSequenceFeature SparseFeature VarLenFeature decode_compressed
        decode_csv parse_example parse_single_example parse_single_sequence_example parse_tensor serialize_tensor""",
    "ops.ctc_ops": "edit_distance",
    "ops.sparse_serialize_ops": "deserialize_many_sparse serialize_many_sparse serialize_sparse",
    "ops.quantized_ops": "dequantize quantize quantize_v2",
    "ops.accumulator_ops": "ConditionalAccumulator ConditionalAccumulatorBase SparseConditionalAccumulator",
    "ops.lookup_ops": "initialize_all_tables tables_initializer",
    "ops.queue_ops": "FIFOQueue PaddingFIFOQueue PriorityQueue QueueBase RandomShuffleQueue",
    "ops.script_ops": "numpy_function py_func",
    "ops.custom_gradient": "custom_gradient grad_pass_through",
    "ops.recompute": "recompute_grad",
}

# Submodules by the name programs use.
SUBMODULES = {
    "app": "platform.app", "bitwise": "bitwise", "compat": "compat", "contrib": "contrib", "core": "core",
    "data": "data", "debugging": "debugging", "distributions": "distributions", "dtypes": "dtypes",
    "errors": "framework.errors", "estimator": "estimator", "flags": "platform.flags", "gfile": "platform.gfile",
    "graph_util": "framework.graph_util", "image": "image", "initializers": "initializers", "io": "io",
    "keras": "keras", "layers": "layers", "linalg": "linalg", "logging": "platform.tf_logging", "lookup": "lookup",
    "losses": "losses", "manip": "manip", "math": "math", "metrics": "metrics", "nest": "util.nest", "nn": "nn",
    "python": "python", "python_io": "python_io", "quantization": "quantization", "queue": "queue", "random": "random",
    "raw_ops": "raw_ops", "resource_loader": "platform.resource_loader", "saved_model": "saved_model",
    "signal": "signal", "sparse": "sparse", "spectral": "spectral", "strings": "strings", "summary": "summary",
    "sysconfig": "sysconfig", "test": "test", "train": "train", "version": "version",
}

MESSAGES = """AttrValue ConfigProto Event GPUOptions GraphDef GraphOptions HistogramProto LogMessage MetaGraphDef
    NameAttrList NodeDef OptimizerOptions RunMetadata RunOptions SessionLog Summary SummaryMetadata
    TensorInfo""".split()


def table():
  """name -> (module, attribute)."""
  names = {}
  for module, text in MODULES.items():
    for item in text.split():
      name, _, attribute = item.partition("=")
      names[name] = ("thalweg." + module, attribute or name)
  return names
