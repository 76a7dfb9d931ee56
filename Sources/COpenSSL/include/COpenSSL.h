/* Declarations of OpenSSL's libssl and libcrypto, from the system's headers, and functions for those of its macros that Swift does
 * not see. */
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/tls1.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

/* OpenSSL's decoder of keys frees a copy of what it decodes without overwriting it. Once this was installed, what it frees is overwritten
 * on threads that ask for it. Returns 0 if it is too late: nothing of OpenSSL may have been used. */
int copenssl_install_wiping(void);
/* Whether what the calling thread frees from now on is overwritten. */
void copenssl_wipe_frees(int on);

static inline void copenssl_clear_retry(BIO *bio) { BIO_clear_retry_flags(bio); }
static inline void copenssl_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
static inline void copenssl_retry_write(BIO *bio) { BIO_set_retry_write(bio); }

static inline int copenssl_error_library(unsigned long code) { return ERR_GET_LIB(code); }
static inline int copenssl_error_reason(unsigned long code) { return ERR_GET_REASON(code); }

/* Options of a context or a connection. */
static const uint64_t copenssl_no_compression = SSL_OP_NO_COMPRESSION;
static const uint64_t copenssl_no_renegotiation = SSL_OP_NO_RENEGOTIATION;
static const uint64_t copenssl_no_ticket = SSL_OP_NO_TICKET;
static const uint64_t copenssl_server_preference = SSL_OP_CIPHER_SERVER_PREFERENCE;
static const uint64_t copenssl_prioritize_chacha = SSL_OP_PRIORITIZE_CHACHA;
static const uint64_t copenssl_no_anti_replay = SSL_OP_NO_ANTI_REPLAY;
static const uint64_t copenssl_system_encryption = SSL_OP_ENABLE_KTLS;

static inline long copenssl_set_mode(SSL_CTX *context, long mode) { return SSL_CTX_set_mode(context, mode); }
static inline void copenssl_set_read_ahead(SSL_CTX *context, int on) { SSL_CTX_set_read_ahead(context, on); }
static inline int copenssl_set_versions(SSL_CTX *context, int lowest, int highest) {
    return SSL_CTX_set_min_proto_version(context, lowest) && SSL_CTX_set_max_proto_version(context, highest);
}
static inline long copenssl_set_server_name(SSL *ssl, const char *name) {
    return SSL_set_tlsext_host_name(ssl, (void *)name);
}

static inline unsigned long copenssl_rfc2253(void) { return XN_FLAG_RFC2253; }
static inline long copenssl_memory(BIO *bio, char **bytes) { return BIO_get_mem_data(bio, bytes); }

/* Host names among a certificate's alternative names. */
static inline int copenssl_names_count(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }
static inline const ASN1_STRING *copenssl_dns_name(const GENERAL_NAMES *names, int index) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
    return name->type == GEN_DNS ? name->d.dNSName : NULL;
}

/* Certificates and parameters of a context. */
static inline long copenssl_add_chain_certificate(SSL_CTX *context, X509 *certificate) {
    return SSL_CTX_add1_chain_cert(context, certificate);
}
static inline long copenssl_use_cert_store(SSL_CTX *context, X509_STORE *store) {
    X509_STORE_up_ref(store);
    SSL_CTX_set_cert_store(context, store);
    return 1;
}
static inline long copenssl_set_groups(SSL *ssl, const char *list) { return SSL_set1_groups_list(ssl, (char *)list); }
static inline int copenssl_set_connection_versions(SSL *ssl, int lowest, int highest) {
    return SSL_set_min_proto_version(ssl, lowest) && SSL_set_max_proto_version(ssl, highest);
}

/* Stapled OCSP responses: OpenSSL frees what it is given. */
static inline void copenssl_set_status_callback(SSL_CTX *context, int (*callback)(SSL *, void *)) {
    SSL_CTX_set_tlsext_status_cb(context, callback);
}
static inline int copenssl_staple(SSL *ssl, const unsigned char *response, size_t length) {
    unsigned char *copy = OPENSSL_memdup(response, length);
    return copy != NULL && SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)length);
}

static inline int copenssl_new_context_index(void) {
    return SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

static inline int copenssl_has_cipher(const STACK_OF(SSL_CIPHER) *ciphers, const SSL_CIPHER *cipher) {
    return sk_SSL_CIPHER_find((STACK_OF(SSL_CIPHER) *)ciphers, (SSL_CIPHER *)cipher) >= 0;
}

/* Gives a context for HMAC its key; the parameters point to names that have to outlive the call that makes them. */
static inline int copenssl_authenticate(EVP_MAC_CTX *context, const unsigned char *key, size_t length) {
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)key, length),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(context, parameters);
}
