//! The firmware's table of what machine code calls (`mp_fun_table`, py/nativeglue.c).
//!
//! Files of [`SUB_VERSION`](crate::header::SUB_VERSION) are for this table.

/// Returns the name of an entry.
#[must_use]
pub fn name(number: usize) -> Option<&'static str> {
    ENTRIES.get(number).copied()
}

/// Returns the number of the entry with this name.
#[must_use]
pub fn number(name: &str) -> Option<u8> {
    let number = ENTRIES.iter().position(|entry| *entry == name)?;
    u8::try_from(number).ok()
}

const ENTRIES: [&str; 87] = [
    "mp_const_none",
    "mp_const_false",
    "mp_const_true",
    "mp_native_from_obj",
    "mp_native_to_obj",
    "mp_native_swap_globals",
    "mp_load_name",
    "mp_load_global",
    "mp_load_build_class",
    "mp_load_attr",
    "mp_load_method",
    "mp_load_super_method",
    "mp_store_name",
    "mp_store_global",
    "mp_store_attr",
    "mp_obj_subscr",
    "mp_obj_is_true",
    "mp_unary_op",
    "mp_binary_op",
    "mp_obj_new_tuple",
    "mp_obj_new_list",
    "mp_obj_new_dict",
    "mp_obj_new_set",
    "mp_obj_set_store",
    "mp_obj_list_append",
    "mp_obj_dict_store",
    "mp_make_function_from_proto_fun",
    "mp_native_call_function_n_kw",
    "mp_call_method_n_kw",
    "mp_call_method_n_kw_var",
    "mp_native_getiter",
    "mp_native_iternext",
    "nlr_push",
    "nlr_pop",
    "mp_native_raise",
    "mp_import_name",
    "mp_import_from",
    "mp_import_all",
    "mp_obj_new_slice",
    "mp_unpack_sequence",
    "mp_unpack_ex",
    "mp_delete_name",
    "mp_delete_global",
    "mp_obj_new_closure",
    "mp_arg_check_num_sig",
    "mp_setup_code_state_native",
    "mp_small_int_floor_divide",
    "mp_small_int_modulo",
    "mp_native_yield_from",
    "setjmp",
    "memset",
    "memmove",
    "gc_realloc",
    "mp_printf",
    "mp_vprintf",
    "mp_raise_msg",
    "mp_obj_get_type",
    "mp_obj_new_str",
    "mp_obj_new_bytes",
    "mp_obj_new_bytearray_by_ref",
    "mp_obj_new_float_from_f",
    "mp_obj_new_float_from_d",
    "mp_obj_get_float_to_f",
    "mp_obj_get_float_to_d",
    "mp_load_method_maybe",
    "mp_get_buffer",
    "mp_get_stream_raise",
    "mp_arg_parse_all",
    "mp_arg_parse_all_kw_array",
    "mp_binary_get_size",
    "mp_binary_get_val_array",
    "mp_binary_set_val_array",
    "mp_plat_print",
    "mp_type_type",
    "mp_type_str",
    "mp_type_list",
    "mp_type_dict",
    "mp_type_fun_builtin_0",
    "mp_type_fun_builtin_1",
    "mp_type_fun_builtin_2",
    "mp_type_fun_builtin_3",
    "mp_type_fun_builtin_var",
    "mp_type_Exception",
    "mp_stream_read_obj",
    "mp_stream_readinto_obj",
    "mp_stream_unbuffered_readline_obj",
    "mp_stream_write_obj",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_the_name_that_has_the_number() {
        for (number, name) in [(0, "mp_const_none"), (50, "memset"), (73, "mp_type_type")] {
            assert_eq!(super::name(number), Some(name));
            assert_eq!(super::number(name).map(usize::from), Some(number));
        }
        assert_eq!((name(87), number("memcpy")), (None, None));
    }
}
