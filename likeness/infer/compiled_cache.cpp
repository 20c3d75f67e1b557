#include "likeness/infer/compiled_cache.h"

#include <cstdint>
#include <fstream>
#include <span>
#include <sstream>
#include <string_view>
#include <system_error>

#include "likeness/core/atomic_file.h"
#include "likeness/core/cache_folder.h"
#include "likeness/core/error.h"
#include "likeness/core/xxh64.h"
#include "likeness/infer/openvino.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "likeness compiled network 2\n";
constexpr std::uintmax_t kLargest = std::uintmax_t{2} << 30;

/// Tells damage; the folder is the user's own.
std::uint64_t digest_of(std::string_view key, std::string_view network) {
  Xxh64 sum;
  for (const std::string_view part : {key, network}) sum.update(std::as_bytes(std::span(part)));
  return sum.digest();
}

}  // namespace

CompiledCache::CompiledCache(const fs::path& file, const NetworkOptions& options) {
  const bool quick = file.extension() == ".xml" && options.precision != Precision::kInt8;
  if (options.cache_folder.empty() || quick) return;
  const CachePlace place =
      cache_place(options.cache_folder, file,
                  std::string(to_string(options.precision)) + "\n" + options.output + "\n", ".compiled");
  if (place.file.empty()) return;
  place_ = place.file;
  const auto& core = openvino_core();
  key_ = place.key + file_identity(fs::path(place.source).replace_extension(".bin")) +
         ov::get_openvino_version().buildNumber + "\n" + core.get_property("CPU", ov::device::full_name) +
         "\n";
  for (const std::string& capability : core.get_property("CPU", ov::device::capabilities))
    key_ += capability + " ";
}

std::optional<ov::CompiledModel> CompiledCache::load(const ov::AnyMap& settings) const {
  if (place_.empty()) return std::nullopt;
  std::error_code error;
  const auto size = fs::file_size(place_, error);
  constexpr std::size_t kHeader = kMagic.size() + sizeof(std::uint64_t);
  if (error || size <= kHeader || size > kLargest) return std::nullopt;
  try {
    std::ifstream in(place_, std::ios::binary);
    std::string magic(kMagic.size(), '\0');
    std::uint64_t digest = 0;
    ov::Tensor network(ov::element::u8, {static_cast<std::size_t>(size) - kHeader});
    in.read(magic.data(), static_cast<std::streamsize>(magic.size()));
    in.read(reinterpret_cast<char*>(&digest), sizeof(digest));
    auto* bytes = reinterpret_cast<char*>(network.data<std::uint8_t>());
    in.read(bytes, static_cast<std::streamsize>(network.get_size()));
    if (!in || magic != kMagic || digest != digest_of(key_, {bytes, network.get_size()})) return std::nullopt;
    return openvino_core().import_model(network, "CPU", settings);
  } catch (const std::exception&) {
    return std::nullopt;  // the network itself is there, and is read instead
  }
}

void CompiledCache::store(ov::CompiledModel compiled) const {
  if (place_.empty()) return;
  try {
    make_cache_folder(place_.parent_path());
    std::ostringstream out;
    compiled.export_model(out);
    const std::string_view network = out.view();
    const std::uint64_t digest = digest_of(key_, network);
    AtomicFile file(place_);
    file.write(std::as_bytes(std::span(kMagic)));
    file.write(std::as_bytes(std::span(&digest, 1)));
    file.write(std::as_bytes(std::span(network)));
    file.commit();
  } catch (const std::exception&) {
    // No room, no permission, or a network that OpenVINO cannot export: the next start is as slow as this
    // one.
  }
}

}  // namespace likeness
