// The certificates of `make cert`.

import Foundation
import Testing

@Suite(.staged) struct LocalCertificateScenarios {
    @Test("What `make cert` has made stays as long as it is good")
    func certificatesStay() throws {
        let folder = try localCertificates()
        let names = ["ca.pem", "ca.key", "localhost.pem", "client.pem"]
        let before = try names.map { try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0)")) }
        #expect(try localCertificates() == folder)
        #expect(try names.map { try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0)")) } == before)
        // Another authority has signed nothing of it.
        try FileManager.default.removeItem(atPath: folder + "/ca.pem")
        _ = try localCertificates()
        for name in ["localhost.pem", "client.pem"] {
            let checked = try play(["openssl", "verify", "-CAfile", folder + "/ca.pem", "\(folder)/\(name)"])
            #expect(checked.exit == .status(0), "\(checked.errors)")
        }
        for name in names {
            let mode = try FileManager.default.attributesOfItem(atPath: "\(folder)/\(name)")[.posixPermissions] as? Int
            #expect(mode == 0o600, "\(name)")
        }
    }
}

/// The certificates of `make cert`, in the test's own folder.
func localCertificates() throws -> String {
    let folder = Stage.current.folder + "/certificates"
    let made = try play(["scripts/certificates", folder])
    guard made.exit == .status(0) else { throw StageFault("scripts/certificates: \(made.errors)") }
    return folder
}
