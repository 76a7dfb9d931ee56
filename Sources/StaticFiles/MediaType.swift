// Media types by file name extension. Text types declare UTF-8; unknown extensions are application/octet-stream.

internal import Basics

/// The table of media types.
enum MediaType {
    static let unknown: StaticString = "application/octet-stream"

    /// The media type for a file name, by the extension after its last dot. Ignores case.
    static func of(_ name: ArraySlice<UInt8>) -> StaticString {
        guard let dot = name.lastIndex(of: 0x2E), name.endIndex - dot <= extensionBytesMax + 1 else { return unknown }
        // A String stores up to 15 bytes inline, without allocating.
        let key = String(decoding: name[(dot + 1)...].lazy.map(asciiLowercased), as: UTF8.self)
        return table[key] ?? unknown
    }

    /// Upper bound for the length of an extension in the table.
    private static let extensionBytesMax = 15

    private static let table: [String: StaticString] = [
        // Text
        "html": "text/html; charset=utf-8", "htm": "text/html; charset=utf-8", "shtml": "text/html; charset=utf-8",
        "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8",
        "mjs": "text/javascript; charset=utf-8", "cjs": "text/javascript; charset=utf-8",
        "txt": "text/plain; charset=utf-8", "text": "text/plain; charset=utf-8", "log": "text/plain; charset=utf-8",
        "conf": "text/plain; charset=utf-8", "cfg": "text/plain; charset=utf-8", "ini": "text/plain; charset=utf-8",
        "diff": "text/plain; charset=utf-8", "patch": "text/plain; charset=utf-8", "c": "text/plain; charset=utf-8",
        "h": "text/plain; charset=utf-8", "py": "text/plain; charset=utf-8", "sh": "text/plain; charset=utf-8",
        "swift": "text/plain; charset=utf-8", "md": "text/markdown; charset=utf-8",
        "markdown": "text/markdown; charset=utf-8", "csv": "text/csv; charset=utf-8",
        "tsv": "text/tab-separated-values; charset=utf-8", "xml": "text/xml; charset=utf-8",
        "xsl": "text/xml; charset=utf-8", "xslt": "text/xml; charset=utf-8", "vtt": "text/vtt; charset=utf-8",
        "ics": "text/calendar; charset=utf-8", "vcf": "text/vcard; charset=utf-8",
        "rst": "text/x-rst; charset=utf-8", "htc": "text/x-component; charset=utf-8",

        // Data
        "json": "application/json", "map": "application/json", "jsonld": "application/ld+json",
        "geojson": "application/geo+json", "webmanifest": "application/manifest+json", "har": "application/json",
        "ndjson": "application/x-ndjson", "yaml": "application/yaml", "yml": "application/yaml",
        "toml": "application/toml", "wasm": "application/wasm", "rss": "application/rss+xml; charset=utf-8",
        "atom": "application/atom+xml; charset=utf-8", "xhtml": "application/xhtml+xml; charset=utf-8",
        "gpx": "application/gpx+xml", "kml": "application/vnd.google-earth.kml+xml",
        "kmz": "application/vnd.google-earth.kmz", "sql": "application/sql", "pem": "application/x-pem-file",
        "crt": "application/x-x509-ca-cert", "der": "application/x-x509-ca-cert", "p12": "application/x-pkcs12",

        // Images
        "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "jfif": "image/jpeg", "gif": "image/gif",
        "webp": "image/webp", "avif": "image/avif", "heic": "image/heic", "heif": "image/heif", "jxl": "image/jxl",
        "svg": "image/svg+xml; charset=utf-8", "ico": "image/x-icon", "cur": "image/x-icon", "bmp": "image/bmp",
        "tif": "image/tiff", "tiff": "image/tiff", "apng": "image/apng", "psd": "image/vnd.adobe.photoshop",

        // Sound and moving pictures
        "mp3": "audio/mpeg", "m4a": "audio/mp4", "aac": "audio/aac", "ogg": "audio/ogg", "oga": "audio/ogg",
        "opus": "audio/ogg", "flac": "audio/flac", "wav": "audio/wav", "weba": "audio/webm", "mid": "audio/midi",
        "midi": "audio/midi", "m3u": "audio/x-mpegurl", "mp4": "video/mp4", "m4v": "video/mp4", "webm": "video/webm",
        "ogv": "video/ogg", "mov": "video/quicktime", "mkv": "video/x-matroska", "avi": "video/x-msvideo",
        "mpg": "video/mpeg", "mpeg": "video/mpeg", "ts": "video/mp2t", "3gp": "video/3gpp", "flv": "video/x-flv",
        "wmv": "video/x-ms-wmv", "m3u8": "application/vnd.apple.mpegurl", "mpd": "application/dash+xml",

        // Fonts
        "woff": "font/woff", "woff2": "font/woff2", "ttf": "font/ttf", "otf": "font/otf", "ttc": "font/collection",
        "eot": "application/vnd.ms-fontobject",

        // Documents
        "pdf": "application/pdf", "rtf": "application/rtf", "epub": "application/epub+zip",
        "ps": "application/postscript", "eps": "application/postscript", "doc": "application/msword",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xls": "application/vnd.ms-excel",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "ppt": "application/vnd.ms-powerpoint",
        "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "odt": "application/vnd.oasis.opendocument.text", "ods": "application/vnd.oasis.opendocument.spreadsheet",
        "odp": "application/vnd.oasis.opendocument.presentation",

        // Archives and programs
        "zip": "application/zip", "gz": "application/gzip", "tgz": "application/gzip", "bz2": "application/x-bzip2",
        "xz": "application/x-xz", "zst": "application/zstd", "br": "application/x-brotli",
        "7z": "application/x-7z-compressed",
        "rar": "application/vnd.rar", "tar": "application/x-tar", "jar": "application/java-archive",
        "deb": "application/vnd.debian.binary-package", "rpm": "application/x-rpm",
        "apk": "application/vnd.android.package-archive", "dmg": "application/x-apple-diskimage",
        "iso": "application/x-iso9660-image", "torrent": "application/x-bittorrent",
        "bin": "application/octet-stream", "exe": "application/octet-stream", "img": "application/octet-stream",
    ]
}
