#pragma once

namespace likeness {

/// How many 32-bit multiply-adds one thread of this CPU does in a second, with the widest vectors that the
/// kernels would use: measured for about 20 ms, the best of several runs. What the kernels' speed is compared
/// with.
[[nodiscard]] double multiply_adds_per_second();

}  // namespace likeness
