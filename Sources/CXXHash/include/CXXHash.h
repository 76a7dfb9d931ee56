/* xxHash's declarations, from the system's header. */
#include <xxhash.h>
