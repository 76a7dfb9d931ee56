/* Declarations of OpenSSL's libcrypto, from the system's headers. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
