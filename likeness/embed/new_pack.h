#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "likeness/model/contract.h"
#include "likeness/model/model_pack.h"

namespace likeness {

/// @throws std::invalid_argument where `name` cannot be a pack's: it has letters, digits, '.', '_' and '-'
/// only.
void check_pack_name(const std::string& name);

/// An embedder's pack in the making: a folder beside its place that becomes the pack in one step, or goes
/// away again. Not for sharing between threads.
class NewPack {
 public:
  /// Makes the folder, and the one `place` lies in. @throws Error kOutputUnwritable.
  explicit NewPack(std::filesystem::path place);
  NewPack(const NewPack&) = delete;
  NewPack& operator=(const NewPack&) = delete;
  ~NewPack();

  /// Where the pack's files are to be written.
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

  /// Computes the self-test, writes model.json with `files` (names inside folder(); of them `networks` are
  /// those of precisions with a network of their own) and moves the folder to its place. A pack that is there
  /// already makes way only where `replace` says so. Once.
  /// @throws Error kOutputUnwritable, and whatever Embedder and load_pack() throw.
  ModelPack publish(const Contract& contract, const std::vector<std::string>& files, bool replace,
                    const std::map<Precision, std::string>& networks = {});

 private:
  std::filesystem::path place_;
  std::filesystem::path folder_;
};

}  // namespace likeness
