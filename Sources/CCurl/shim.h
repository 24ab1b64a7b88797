#ifndef CONNECTD_CCURL_SHIM_H
#define CONNECTD_CCURL_SHIM_H

// The type checks of curl's header are macros around the variable-argument functions; the wrappers below are the types.
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

static inline CURLcode connectd_curl_set_long(CURL *handle, CURLoption option, long value) { return curl_easy_setopt(handle, option, value); }
static inline CURLcode connectd_curl_set_size(CURL *handle, CURLoption option, curl_off_t value) { return curl_easy_setopt(handle, option, value); }
static inline CURLcode connectd_curl_set_text(CURL *handle, CURLoption option, const char *value) { return curl_easy_setopt(handle, option, value); }
static inline CURLcode connectd_curl_set_pointer(CURL *handle, CURLoption option, const void *value) { return curl_easy_setopt(handle, option, value); }
static inline CURLcode connectd_curl_set_list(CURL *handle, CURLoption option, struct curl_slist *value) { return curl_easy_setopt(handle, option, value); }
static inline CURLcode connectd_curl_set_blob(CURL *handle, CURLoption option, const void *bytes, size_t count) {
    struct curl_blob blob;
    blob.data = (void *)bytes;
    blob.len = count;
    blob.flags = CURL_BLOB_COPY;
    return curl_easy_setopt(handle, option, &blob);
}
static inline CURLcode connectd_curl_set_body_callback(CURL *handle, curl_write_callback callback, void *user_data) {
    CURLcode code = curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, callback);
    return code != CURLE_OK ? code : curl_easy_setopt(handle, CURLOPT_WRITEDATA, user_data);
}
static inline CURLcode connectd_curl_set_socket_callback(CURL *handle, curl_opensocket_callback callback, void *user_data) {
    CURLcode code = curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, callback);
    return code != CURLE_OK ? code : curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, user_data);
}

static inline CURLcode connectd_curl_get_long(CURL *handle, CURLINFO info, long *value) { return curl_easy_getinfo(handle, info, value); }
static inline CURLcode connectd_curl_get_size(CURL *handle, CURLINFO info, curl_off_t *value) { return curl_easy_getinfo(handle, info, value); }
static inline CURLcode connectd_curl_get_text(CURL *handle, CURLINFO info, const char **value) { return curl_easy_getinfo(handle, info, value); }

static inline CURLMcode connectd_curl_multi_set_long(CURLM *handle, CURLMoption option, long value) { return curl_multi_setopt(handle, option, value); }

// The union inside CURLMsg: the outcome of a transfer that is done.
static inline CURLcode connectd_curl_message_result(const CURLMsg *message) { return message->data.result; }

// Macros that Swift does not import.
static inline CURLcode connectd_curl_global_init(void) { return curl_global_init(CURL_GLOBAL_ALL); }
static inline curl_socket_t connectd_curl_socket_bad(void) { return CURL_SOCKET_BAD; }

#endif
