// Programs of Tests/ScenarioTests/Peers, run with Debian's Python, which has Debian's libraries.

import Foundation
import Testing

/// The path of a program in Tests/ScenarioTests/Peers.
func peer(_ name: String) -> String { projectFolder + "/Tests/ScenarioTests/Peers/" + name }

/// Runs a Python program of Tests/ScenarioTests/Peers until it ends.
func python(_ name: String, _ arguments: [String], within seconds: Double = 120) throws -> Ended {
    try play(["/usr/bin/python3", "-B", peer(name)] + arguments, within: seconds)
}

/// Expects of a program that it has found nothing wrong.
func expectAllIsWell(_ ended: Ended, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(ended.output == "all is well\n", "\(ended.errors)", sourceLocation: sourceLocation)
}

/// Starts a server that the test ends with, and waits until it listens.
func startPeer(_ command: [String], on port: Int, in folder: String = projectFolder) throws {
    let child = try Child(
        command, named: "peer-\(port)", in: Stage.current.folder, workingFolder: folder,
        environment: ["PYTHONDONTWRITEBYTECODE": "1"])
    Stage.current.atTheEnd { child.stop() }
    Stage.current.inCaseOfFailure { child.errors }
    guard eventually(within: 60, { isListening(on: port) || child.ended() != nil }), child.ended() == nil else {
        throw StageFault("\(command) does not listen: \(child.errors)")
    }
}
