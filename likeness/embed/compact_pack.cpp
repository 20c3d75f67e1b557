#include "likeness/embed/compact_pack.h"

#include <stdexcept>
#include <string>
#include <vector>

#include "likeness/core/error.h"
#include "likeness/core/sha256.h"
#include "likeness/embed/new_pack.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

constexpr const char* kProjection = "projection.npz";

/// A network is some 90 MB and never changed in place, so that two packs may share one.
void share(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_hard_link(from, to, error);
  if (error) fs::copy_file(from, to, error);
  if (error) {
    throw Error(ErrorCode::kOutputUnwritable,
                "cannot copy " + from.string() + " to " + to.string() + ": " + error.message());
  }
}

}  // namespace

ModelPack compact_pack(const ModelPack& base, const fs::path& models, const CompactOptions& options) {
  const Contract& old = base.contract;
  if (old.compact())
    throw std::invalid_argument(old.name + " is a compact pack already; make this one of its base");
  if (options.projection && options.projection->inputs != static_cast<std::size_t>(old.dimension))
    throw std::invalid_argument("a projection of " + std::to_string(options.projection->inputs) +
                                " values for a model of " + std::to_string(old.dimension));
  check_pack_name(options.name);
  const fs::path place = models / options.name;
  if (fs::exists(place) && !options.replace) {
    throw std::invalid_argument("there is a model pack " + place.string() + " already");
  }
  NewPack pack(place);
  Contract contract = old;
  contract.name = options.name;
  contract.source = old.name + (options.how.empty() ? "" : ", " + options.how) + "; " + old.source;
  contract.values = options.values;
  contract.thresholds.clear();
  std::vector<std::string> files;
  for (const PackFile& file : base.files) {
    if (file.name == base.self_test) continue;
    share(base.folder / file.name, pack.folder() / file.name);
    files.push_back(file.name);
  }
  // Bytes are to be rounded of what is compared: a base's centre is taken away before them, not after.
  std::optional<Projection> projection = options.projection;
  if (!projection && !old.centre.empty()) {
    projection = Projection{old.centre.size(), old.centre.size(), {}, old.centre};
    for (float& value : projection->offset) value = -value;
  }
  if (projection) {
    write_projection(pack.folder() / kProjection, *projection);
    contract.projection =
        ProjectionFile{kProjection, sha256_file(pack.folder() / kProjection), old.dimension};
    contract.dimension = static_cast<int>(projection->outputs);
    contract.centre.clear();  // it lies in the space before the projection, whose offset takes its place
    files.emplace_back(kProjection);
  }
  return pack.publish(contract, files, options.replace, base.networks);
}

}  // namespace likeness
