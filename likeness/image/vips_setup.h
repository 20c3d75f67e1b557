#pragma once

#include <string>

namespace likeness {

/// Prepares libvips once per process: silent, without a cache, one thread, trusted loaders only. Everything
/// that uses libvips calls it first. What of that the host program may notice stands in read_image.h. @throws
/// Error kUnsupported where libvips cannot start.
void start_vips();

/// Loads what reads HEIF and AVIF, where libvips keeps that in a module of its own and the program kept it
/// from opening its modules ($VIPSHOME). Without the module, reading such a file fails as an unsupported
/// kind. After start_vips().
void load_heif();

/// First line of libvips' error buffer, which is emptied. The buffer belongs to the whole process: when two
/// threads fail at the same moment, one may get the other's words, or none.
[[nodiscard]] std::string take_vips_message();

}  // namespace likeness
