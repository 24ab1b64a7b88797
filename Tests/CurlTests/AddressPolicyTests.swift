import Testing

import Curl

struct AddressPolicyTests {
    @Test(arguments: [
        ([127, 0, 0, 1], false), ([127, 9, 9, 9], false), ([0, 0, 0, 0], false), ([169, 254, 169, 254], false), ([169, 254, 0, 1], false),
        ([255, 255, 255, 255], false), ([100, 100, 100, 200], false), ([100, 100, 100, 201], true), ([10, 0, 0, 1], true), ([192, 168, 1, 1], true), ([8, 8, 8, 8], true), ([169, 253, 1, 1], true),
    ] as [([UInt8], Bool)])
    func version4(_ address: [UInt8], _ isAllowed: Bool) {
        #expect(AddressPolicy.publicOnly.allows(address) == isAllowed)
        #expect(AddressPolicy.any.allows(address))
        // The same address inside an IPv6 one must not slip through.
        #expect(AddressPolicy.publicOnly.allows([UInt8](repeating: 0, count: 10) + [0xFF, 0xFF] + address) == isAllowed)
        #expect(AddressPolicy.publicOnly.allows([0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0] + address) == isAllowed)
        if address[0] != 0 { #expect(AddressPolicy.publicOnly.allows([UInt8](repeating: 0, count: 12) + address) == isAllowed) }
        #expect(AddressPolicy.publicOnly.allows([0x20, 0x02] + address + [UInt8](repeating: 0, count: 10)) == isAllowed)
    }

    @Test func version6() {
        func address(_ head: [UInt8], _ tail: [UInt8]) -> [UInt8] { head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail }
        #expect(!AddressPolicy.publicOnly.allows(address([], [])))
        #expect(!AddressPolicy.publicOnly.allows(address([], [1])))
        #expect(!AddressPolicy.publicOnly.allows(address([0xFE, 0x80], [1])))
        #expect(!AddressPolicy.publicOnly.allows(address([0xFD, 0, 0x0E, 0xC2], [0x02, 0x54])))
        #expect(!AddressPolicy.publicOnly.allows(address([0xFD, 0x20, 0, 0xCE], [0x02, 0x54])))
        #expect(AddressPolicy.publicOnly.allows(address([0xFD, 0x20, 0, 0xCE], [0x02, 0x55])))
        #expect(AddressPolicy.publicOnly.allows(address([0x20, 0x01, 0x0D, 0xB8], [1])))
        #expect(!AddressPolicy.publicOnly.allows([1, 2, 3]), "an address of another family is refused")
    }
}
