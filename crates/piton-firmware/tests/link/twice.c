// The other object.
#include "py/dynruntime.h"

mp_int_t twice(mp_int_t value) {
    return 2 * value;
}
