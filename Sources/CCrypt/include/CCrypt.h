/* crypt(3)'s declarations, from the system's header. */
#include <crypt.h>
