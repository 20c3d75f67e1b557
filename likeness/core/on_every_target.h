#pragma once

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cstdint>

namespace likeness {

/// For tests only, and not installed. Calls `test` once for each instruction set that this CPU and build
/// have, our kernels held to it.
template <typename Test>
void on_every_target(const Test& test) {
  for (std::int64_t rest = hwy::SupportedTargets(); rest != 0; rest &= rest - 1) {
    const std::int64_t target = rest & -rest;
    if (target == HWY_SCALAR) continue;  // EMU128 is built in its place.
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    test();
    hwy::SetSupportedTargetsForTest(0);
  }
}

}  // namespace likeness
