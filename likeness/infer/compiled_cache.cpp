#include "likeness/infer/compiled_cache.h"

#include <cstdint>
#include <fstream>
#include <new>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include "likeness/core/atomic_file.h"
#include "likeness/core/cache_folder.h"
#include "likeness/core/error.h"
#include "likeness/core/xxh64.h"

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

CompiledCache::CompiledCache(fs::path file, NetworkOptions options, const OpenvinoModule& module)
    : file_(std::move(file)), options_(std::move(options)), module_(module) {
  const bool quick = file_.extension() == ".xml" && options_.precision != Precision::kInt8;
  if (options_.cache_folder.empty() || quick) return;
  const CachePlace place =
      cache_place(options_.cache_folder, file_,
                  std::string(to_string(options_.precision)) + "\n" + options_.output + "\n" +
                      (options_.exact ? "exact\n" : "") + (options_.any_size ? "any size\n" : ""),
                  ".compiled");
  if (place.file.empty()) return;
  place_ = place.file;
  key_ =
      place.key + file_identity(fs::path(place.source).replace_extension(".bin")) + module_.identity() + "\n";
}

std::unique_ptr<OpenvinoNetwork> CompiledCache::load() const {
  if (place_.empty()) return nullptr;
  std::error_code error;
  const auto size = fs::file_size(place_, error);
  constexpr std::size_t kHeader = kMagic.size() + sizeof(std::uint64_t);
  if (error || size <= kHeader || size > kLargest) return nullptr;
  try {
    std::ifstream in(place_, std::ios::binary);
    std::string magic(kMagic.size(), '\0');
    std::uint64_t digest = 0;
    std::string network(static_cast<std::size_t>(size) - kHeader, '\0');
    in.read(magic.data(), static_cast<std::streamsize>(magic.size()));
    in.read(reinterpret_cast<char*>(&digest), sizeof(digest));
    in.read(network.data(), static_cast<std::streamsize>(network.size()));
    if (!in || magic != kMagic || digest != digest_of(key_, network)) return nullptr;
    return module_.import(file_, options_, std::move(network));
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception&) {
    return nullptr;  // the network itself is there, and is read instead
  }
}

void CompiledCache::store(const OpenvinoNetwork& compiled) const {
  if (place_.empty()) return;
  try {
    make_cache_folder(place_.parent_path());
    const std::string network = compiled.exported();
    const std::uint64_t digest = digest_of(key_, network);
    AtomicFile file(place_);
    file.write(std::as_bytes(std::span(kMagic)));
    file.write(std::as_bytes(std::span(&digest, 1)));
    file.write(std::as_bytes(std::span(network)));
    file.commit();
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception&) {
    // No room, no permission, or a network that OpenVINO cannot export: the next start is as slow as this
    // one.
  }
}

}  // namespace likeness
