/* nghttp2's declarations, from the system's header. */
#include <nghttp2/nghttp2.h>
