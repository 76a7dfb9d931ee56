/* Declarations of c-ares, from the system's headers. */
/* Later versions call the functions deprecated that are all there is in Debian 12's. */
#define CARES_NO_DEPRECATED
#include <ares.h>

/* The statuses that are told apart; macros in one version, an enumeration's in another. */
static const int cares_success = ARES_SUCCESS;
static const int cares_no_data = ARES_ENODATA;
static const int cares_not_found = ARES_ENOTFOUND;
static const int cares_refused = ARES_EREFUSED;
static const int cares_timeout = ARES_ETIMEOUT;
static const int cares_cancelled = ARES_ECANCELLED;
