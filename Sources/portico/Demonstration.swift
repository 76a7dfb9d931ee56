// What Portico runs when it is given no file: conf/demo.cfg, carried inside.

enum Demonstration {
    static let text = String(decoding: PackageResources.demo_cfg, as: UTF8.self)
}
