import CCurl

/// The library itself: made ready on first use, since that costs some megabytes that a worker without HTTP need not pay.
enum CurlLibrary {
    /// Runs once, whichever thread comes first; the others wait for it.
    static let isReady: Bool = connectd_curl_global_init() == CURLE_OK
}
