/* PCRE2's declarations for texts of bytes, from the system's header. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
