"""Packets of Nonin format 7, made by hand from the maker's table; every checksum was added up apart from our code."""

CALM = bytes.fromhex("""
    81 03 e8 00 6c  80 04 4c 48 18  80 04 b0 61 95  80 05 14 30 c9  82 05 78 00 ff
    82 05 dc 00 63  82 06 40 00 c8  82 06 a4 00 2c  82 07 08 61 f2  82 07 6c 61 56
    82 07 d0 61 ba  82 08 34 00 be  82 08 98 00 22  82 08 fc 00 86  82 09 60 48 33
    82 09 c4 61 b0  80 0a 28 61 13  80 0a 8c 00 16  80 0a f0 00 7a  80 0b 54 00 df
    80 0b b8 48 8b  80 0c 1c 00 a8  80 0c 80 48 54  80 0c e4 00 70  80 0d 48 00 d5
""")
"""Pulse 72, SpO2 97, firmware 48, a beat (green) in frames 5 to 16; pleth 1000, 1100, ... 3400."""

EMPTY = bytes.fromhex("""
    99 80 00 03 1c  98 80 00 7f 97  98 80 00 7f 97  98 80 00 2d 45  98 80 00 00 18
    98 80 00 00 18  98 80 00 00 18  98 80 00 00 18  98 80 00 62 7a  98 80 00 7f 97
    98 80 00 7f 97  98 80 00 00 18  98 80 00 00 18  98 80 00 03 1b  98 80 00 7f 97
    98 80 00 7f 97  98 80 00 62 7a  98 80 00 00 18  98 80 00 00 18  98 80 00 00 18
    98 80 00 48 60  98 80 00 00 18  98 80 00 48 60  98 80 00 00 18  98 80 00 00 18
""")
"""No finger (sensor alarm, out of track): 511 and 127, while the display values still hold 72 and 98."""

FAST = bytes.fromhex("""
    81 ff ff 02 81  80 ff fe 41 be  80 ff fd 64 e0  80 ff fc 2d a8  80 ff fb 00 7a
    80 ff fa 00 79  80 ff f9 00 78  80 ff f8 00 77  80 ff f7 7f f5  80 ff f6 7f f4
    80 ff f5 7f f3  80 ff f4 00 73  80 ff f3 00 72  80 ff f2 03 74  80 ff f1 7f ef
    80 ff f0 7f ee  80 ff ef 7f ed  80 ff ee 00 6d  80 ff ed 00 6c  80 ff ec 03 6e
    80 ff eb 7f e9  80 ff ea 03 6c  80 ff e9 7f e7  80 ff e8 80 e7  80 ff e7 ff 65
""")
"""The highest pulse, 321 (256 + 65), SpO2 100, all else missing; the last two reserved bytes are above 127."""

FORMAT_2 = bytes.fromhex("""
    01 81 01 00 83  01 80 01 48 ca  01 80 01 61 e3  01 80 01 30 b2  01 80 01 00 82
    01 80 01 00 82  01 80 01 00 82  01 80 01 00 82  01 80 01 61 e3  01 80 01 61 e3
    01 80 01 61 e3  01 80 01 00 82  01 80 01 00 82  01 80 01 00 82  01 80 01 48 ca
    01 80 01 61 e3  01 80 01 61 e3  01 80 01 00 82  01 80 01 00 82  01 80 01 00 82
    01 80 01 48 ca  01 80 01 00 82  01 80 01 48 ca  01 80 01 00 82  01 80 01 00 82
""")
"""One packet of format 2, which this house does not read: an oximeter whose resistor was not changed."""
