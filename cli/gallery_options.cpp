#include "cli/gallery_options.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "cli/progress_bar.h"
#include "likeness/gallery/sqlite_store.h"
#include "likeness/gallery/vault.h"

namespace likeness::cli {

std::unique_ptr<GalleryStore> GalleryArgs::open(bool read_only) const {
  return open_sqlite_gallery(path, {.read_only = read_only, .passphrase = gallery_passphrase(key_file)});
}

Gallery GalleryArgs::open_index(int threads, std::optional<IndexKind> kind) const {
  ProgressBar bar("indexing");
  return {open(true), path, {.index = kind, .threads = threads}, bar.callback()};
}

void add_gallery_option(CLI::App& command, GalleryArgs& args) {
  command.add_option("--gallery", args.path, "The gallery's file")->required();
  command.add_option("--key-file", args.key_file,
                     "File whose first line is an encrypted gallery's passphrase; else LIKENESS_GALLERY_KEY");
}

std::optional<KnownThreshold> known_threshold(const Contract& contract, Precision precision, double fmr) {
  std::optional<KnownThreshold> best;
  const auto distance = [&](const KnownThreshold& one) {
    return std::abs(std::log(one.false_match_rate / fmr));
  };
  for (const KnownThreshold& one : contract.thresholds) {
    if (one.precision != to_string(precision) || !(one.false_match_rate > 0)) continue;
    if (!best || distance(one) < distance(*best)) best = one;
  }
  return best;
}

NameThreshold name_threshold(const Gallery& gallery, const Contract& contract, Precision precision) {
  if (gallery.calibration()) return {gallery.calibration()->threshold, ""};
  if (const auto known = known_threshold(contract, precision, 0.001)) {
    return {known->cosine,
            "the gallery is not calibrated (`likeness gallery calibrate`): names rest on the model's own "
            "threshold, without a probability"};
  }
  return {2, "the gallery is not calibrated, so nobody gets a name; run `likeness gallery calibrate`"};
}

nlohmann::ordered_json match_json(const std::optional<PersonMatch>& match) {
  if (!match) return nullptr;
  return {{"name", match->name},
          {"similarity", match->similarity},
          {"cosine", match->cosine},
          {"photo", match->photo},
          {"face", match->face}};
}

}  // namespace likeness::cli
