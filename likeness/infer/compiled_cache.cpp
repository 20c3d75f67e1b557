#include "likeness/infer/compiled_cache.h"

#include <sodium.h>

#include <array>
#include <fstream>
#include <span>
#include <sstream>
#include <string_view>
#include <system_error>

#include "likeness/core/atomic_file.h"
#include "likeness/core/error.h"
#include "likeness/core/sha256.h"
#include "likeness/infer/openvino.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "likeness compiled network 1\n";
constexpr std::uintmax_t kLargest = std::uintmax_t{2} << 30;
using Digest = std::array<char, 32>;

/// BLAKE2b, which takes 0.1 s for FaceNet where SHA-256 takes 0.3. It tells damage; the folder is the user's
/// own.
Digest digest_of(std::string_view key, std::string_view network) {
  Digest digest{};
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, digest.size());
  for (const std::string_view part : {key, network}) {
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(part.data()), part.size());
  }
  crypto_generichash_final(&state, reinterpret_cast<unsigned char*>(digest.data()), digest.size());
  return digest;
}

/// Which bytes a file has, without reading them.
std::string identity(const fs::path& file) {
  std::error_code error;
  const auto size = fs::file_size(file, error);
  if (error) return "";
  const auto changed = fs::last_write_time(file, error).time_since_epoch().count();
  return file.string() + "\n" + std::to_string(size) + " " + std::to_string(changed) + "\n";
}

}  // namespace

CompiledCache::CompiledCache(const fs::path& file, const NetworkOptions& options) {
  const bool quick = file.extension() == ".xml" && options.precision != Precision::kInt8;
  if (options.cache_folder.empty() || quick) return;
  std::error_code error;
  const fs::path whole = fs::canonical(file, error);
  if (error) return;
  const std::string what =
      whole.string() + "\n" + std::string(to_string(options.precision)) + "\n" + options.output + "\n";
  place_ = options.cache_folder / (sha256(std::as_bytes(std::span(what))).substr(0, 24) + ".compiled");
  const auto& core = openvino_core();
  key_ = what + identity(whole) + identity(fs::path(whole).replace_extension(".bin")) +
         ov::get_openvino_version().buildNumber + "\n" + core.get_property("CPU", ov::device::full_name) +
         "\n";
  for (const std::string& capability : core.get_property("CPU", ov::device::capabilities))
    key_ += capability + " ";
}

std::optional<ov::CompiledModel> CompiledCache::load(const ov::AnyMap& settings) const {
  if (place_.empty()) return std::nullopt;
  std::error_code error;
  const auto size = fs::file_size(place_, error);
  constexpr std::size_t kHeader = kMagic.size() + Digest().size();
  if (error || size <= kHeader || size > kLargest) return std::nullopt;
  try {
    std::ifstream in(place_, std::ios::binary);
    std::string magic(kMagic.size(), '\0');
    Digest digest{};
    ov::Tensor network(ov::element::u8, {static_cast<std::size_t>(size) - kHeader});
    in.read(magic.data(), static_cast<std::streamsize>(magic.size()));
    in.read(digest.data(), static_cast<std::streamsize>(digest.size()));
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
    std::error_code error;
    if (fs::create_directories(place_.parent_path(), error)) {
      fs::permissions(place_.parent_path(), fs::perms::owner_all, error);
    }
    std::ostringstream out;
    compiled.export_model(out);
    const std::string_view network = out.view();
    const Digest digest = digest_of(key_, network);
    AtomicFile file(place_);
    for (const std::string_view part : {kMagic, std::string_view(digest.data(), digest.size()), network}) {
      file.write(std::as_bytes(std::span(part)));
    }
    file.commit();
  } catch (const std::exception&) {
    // No room, no permission, or a network that OpenVINO cannot export: the next start is as slow as this
    // one.
  }
}

}  // namespace likeness
