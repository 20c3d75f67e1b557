#include "likeness/model/projection.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "likeness/core/error.h"
#include "likeness/core/sha256.h"
#include "likeness/npz/npz.h"

namespace likeness {
namespace {

[[noreturn]] void damaged(const std::filesystem::path& path, const std::string& problem) {
  throw Error(ErrorCode::kModelInvalid, path.string() + " " + problem + "; fetch or make the model again");
}

}  // namespace

Projection read_projection(const ModelPack& pack) {
  const Contract& contract = pack.contract;
  if (!contract.projection) throw std::invalid_argument(contract.name + " has no projection");
  const std::filesystem::path path = pack.folder / contract.projection->file;
  // Some hundred kilobytes: cheap enough to be checked at every start.
  if (sha256_file(path) != contract.projection->sha256)
    damaged(path, "is not the projection of " + contract.name);
  Projection result{static_cast<std::size_t>(contract.projection->inputs),
                    static_cast<std::size_t>(contract.dimension),
                    {},
                    {}};
  try {
    const NpzFile file(path);
    Array<float> weights{{result.outputs, result.inputs}, {}};
    if (result.outputs != result.inputs || file.contains("weights")) weights = file.get<float>("weights");
    auto offset = file.get<float>("offset");
    if (weights.shape != std::vector{result.outputs, result.inputs} ||
        offset.shape != std::vector{result.outputs}) {
      damaged(path, "does not make " + std::to_string(result.outputs) + " values of " +
                        std::to_string(result.inputs) + " as the contract says");
    }
    result.weights = std::move(weights.values);
    result.offset = std::move(offset.values);
  } catch (const Error& e) {
    throw Error(ErrorCode::kModelInvalid, e.what());  // a damaged part of a model, whatever its format
  }
  const auto finite = [](float value) { return std::isfinite(value); };
  if (!std::ranges::all_of(result.weights, finite) || !std::ranges::all_of(result.offset, finite))
    damaged(path, "holds values that are not numbers");
  return result;
}

void write_projection(const std::filesystem::path& path, const Projection& projection) {
  const bool shift = projection.weights.empty() && projection.inputs == projection.outputs;
  if ((!shift && projection.weights.size() != projection.inputs * projection.outputs) ||
      projection.offset.size() != projection.outputs) {
    throw std::invalid_argument("a projection whose sizes disagree");
  }
  std::vector<NpzMember> members{{"offset", Array<float>{{projection.outputs}, projection.offset}}};
  if (!shift) {
    members.push_back({"weights", Array<float>{{projection.outputs, projection.inputs}, projection.weights}});
  }
  write_npz(path, members);
}

}  // namespace likeness
