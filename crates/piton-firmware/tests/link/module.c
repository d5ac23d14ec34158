// The module that the objects in this folder are compiled from: table of addresses, constants with addresses, zeroed data, calls of
// C's library, and a function in another object.
#include "py/dynruntime.h"

extern mp_int_t twice(mp_int_t value);

const char *const names[] = {"nil", "one", "two", "six"};
uint32_t calls;
uint8_t buffer[16];

static mp_obj_t add(mp_obj_t a, mp_obj_t b) {
    ++calls;
    return mp_obj_new_int(mp_obj_get_int(a) + twice(mp_obj_get_int(b)));
}
static MP_DEFINE_CONST_FUN_OBJ_2(add_obj, add);

static mp_obj_t name(mp_obj_t index) {
    const char *text = names[mp_obj_get_int(index) & 3];
    return mp_obj_new_str(text, 3);
}
static MP_DEFINE_CONST_FUN_OBJ_1(name_obj, name);

static mp_obj_t fill(mp_obj_t count) {
    memset(buffer, 'x', mp_obj_get_int(count) & 15);
    memmove(buffer + 1, buffer, mp_obj_get_int(count) & 7);
    return mp_obj_new_bytes(buffer, 4);
}
static MP_DEFINE_CONST_FUN_OBJ_1(fill_obj, fill);

static mp_obj_t count(void) {
    return mp_obj_new_int(calls);
}
static MP_DEFINE_CONST_FUN_OBJ_0(count_obj, count);

mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args) {
    MP_DYNRUNTIME_INIT_ENTRY
    mp_store_global(MP_QSTR_add, MP_OBJ_FROM_PTR(&add_obj));
    mp_store_global(MP_QSTR_name, MP_OBJ_FROM_PTR(&name_obj));
    mp_store_global(MP_QSTR_fill, MP_OBJ_FROM_PTR(&fill_obj));
    mp_store_global(MP_QSTR_count, MP_OBJ_FROM_PTR(&count_obj));
    mp_store_global(MP_QSTR_kind, MP_OBJ_FROM_PTR(&mp_type_str));
    MP_DYNRUNTIME_INIT_EXIT
}
