// Which files a user may read, by their modes and those of the folders on the way.

import Basics
import Foundation
import Testing

@testable import Reactor

@Suite struct UserPermissionsTests {
    private let folder = FileManager.default.temporaryDirectory.path + "/permissions-\(UUID().uuidString)"

    init() throws {
        try FileManager.default.createDirectory(atPath: folder + "/inner", withIntermediateDirectories: true)
        try "x".write(toFile: folder + "/inner/file", atomically: true, encoding: .utf8)
        try FileManager.default.createSymbolicLink(
            atPath: folder + "/link", withDestinationPath: folder + "/inner/file")
    }

    private func set(_ mode: Int, of name: String) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: folder + name)
    }

    @Test func `A file's mode counts, and that of every folder on the way and where a link leads`() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // Of neither the user nor the group that runs the test.
        let stranger = UserPermissions(user: geteuid() &+ 7, group: getegid() &+ 7)
        let owner = UserPermissions(user: geteuid() == 0 ? nil : geteuid(), group: nil)
        try set(0o755, of: "")
        try set(0o755, of: "/inner")
        for (mode, mayRead) in [(0o644, true), (0o600, false), (0o640, false), (0o604, true)] {
            try set(mode, of: "/inner/file")
            #expect(stranger.mayRead(folder + "/inner/file") == mayRead, "\(String(mode, radix: 8))")
            #expect(stranger.mayRead(folder + "/link") == mayRead)
            #expect(owner.mayRead(folder + "/inner/file"))
        }
        let colleague = UserPermissions(user: geteuid() &+ 7, group: getegid())
        try set(0o640, of: "/inner/file")
        #expect(colleague.mayRead(folder + "/inner/file"))
        try set(0o644, of: "/inner/file")
        try set(0o700, of: "/inner")
        #expect(!stranger.mayRead(folder + "/inner/file") && !stranger.mayRead(folder + "/link"))
        #expect(stranger.mayRead(folder + "/nothing") && UserPermissions(user: 0, group: 0).mayRead(folder + "/link"))
    }

    @Test func `The files that a reading opens are collected, and others are not`() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let files = FilesRead()
        _ = files.collect { try? SystemFile.bytes(of: folder + "/link", atMost: 10) }
        _ = try? SystemFile.bytes(of: folder + "/inner/file", atMost: 10)
        #expect(files.paths == [folder + "/link"])
    }
}
