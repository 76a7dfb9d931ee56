// The file system access of this module. Errors carry the system's text.

internal import Basics
internal import Glibc

/// File system access for reading configurations.
public enum Files {
    /// Limit for the size of a file, so that `-f /dev/zero` does not exhaust the memory.
    static let bytesMax = 256 << 20

    /// An error of the system, as text.
    public struct Refusal: Error {
        public var text: String

        static func current() -> Refusal { Refusal(text: unsafe String(cString: strerror(errno))) }
    }

    /// The contents of a file.
    public static func contents(of path: String) throws(Refusal) -> [UInt8] {
        FilesRead.note(path)
        let descriptor = path.withVerbatimCString { unsafe open($0, O_RDONLY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw .current() }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe read(descriptor, &chunk, chunk.count)
            if count == 0 { return bytes }
            if count < 0 {
                if errno == EINTR { continue }
                throw .current()
            }
            bytes += chunk[..<count]
            guard bytes.count <= bytesMax else { throw Refusal(text: "bigger than \(bytesMax >> 20) MiB") }
        }
    }

    static func isFolder(_ path: String) -> Bool {
        var info = stat()
        return path.withVerbatimCString({ unsafe stat($0, &info) }) == 0 && info.st_mode & S_IFMT == S_IFDIR
    }

    /// The `*.cfg` files of a folder, sorted by name, except hidden files and folders.
    static func configurations(in folder: String) throws(Refusal) -> [String] {
        guard let listing = folder.withVerbatimCString({ unsafe opendir($0) }) else { throw .current() }
        defer { unsafe closedir(listing) }
        var names: [String] = []
        while let entry = unsafe readdir(listing) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) {
                unsafe String(verbatim: $0.prefix { $0 != 0 })
            }
            if !name.hasPrefix("."), name.hasSuffix(".cfg") { names.append(name) }
        }
        // Sort by bytes, independently of the locale.
        names.sort { $0.verbatimBytes.lexicographicallyPrecedes($1.verbatimBytes) }
        return names.map { join(folder, $0) }.filter { !isFolder($0) }
    }

    /// The paths that match a pattern with `*`, `?` or `[ ]`, sorted by name.
    static func matches(of pattern: String) -> [String] {
        var found = unsafe glob_t()
        defer { unsafe globfree(&found) }
        guard pattern.withVerbatimCString({ unsafe glob($0, 0, nil, &found) }) == 0 else { return [] }
        let paths = unsafe (0..<Int(found.gl_pathc)).compactMap { index in
            unsafe found.gl_pathv[index].map { unsafe text($0) }
        }
        return paths.sorted { $0.verbatimBytes.lexicographicallyPrecedes($1.verbatimBytes) }
    }

    /// The canonical path of a file (realpath); the path itself if there is no such file.
    static func canonical(_ path: String) -> String {
        guard let real = path.withVerbatimCString({ unsafe realpath($0, nil) }) else { return path }
        defer { unsafe free(real) }
        return unsafe text(real)
    }

    private static func text(_ bytes: UnsafePointer<CChar>) -> String {
        unsafe String(verbatim: UnsafeBufferPointer(start: bytes, count: strlen(bytes)).map(UInt8.init(bitPattern:)))
    }

    /// `name` relative to `folder`; an absolute path is returned unchanged.
    static func join(_ folder: String, _ name: String) -> String {
        if name.hasPrefix("/") || folder.isEmpty { return name }
        return folder.hasSuffix("/") ? folder + name : folder + "/" + name
    }

    /// The absolute path; a relative path refers to the working directory.
    public static func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : join(current, path) }

    /// The working directory; empty if it is unknown.
    static var current: String {
        guard let path = unsafe getcwd(nil, 0) else { return "" }
        defer { unsafe free(path) }
        return unsafe String(cString: path)
    }

    /// Changes the working directory.
    static func changeDirectory(to folder: String) throws(Refusal) {
        if unsafe chdir(folder) != 0 { throw .current() }
    }

    /// The folder of a file; empty for the current one.
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "" }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
