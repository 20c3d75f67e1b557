#include "cli/gallery_options.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/photos.h"
#include "cli/progress_bar.h"
#include "likeness/core/cache_folder.h"
#include "likeness/core/output.h"
#include "likeness/gallery/open.h"
#include "likeness/gallery/vault.h"

namespace likeness::cli {

GalleryOptions gallery_options(std::optional<std::string> passphrase) {
  GalleryOptions options;
  options.passphrase = std::move(passphrase);
  const std::filesystem::path cache = cache_folder();
  if (!cache.empty()) options.index_folder = cache / "galleries";
  options.notice = [](const Notice& notice) { std::cerr << "likeness: " << notice.text << '\n'; };
  return options;
}

GalleryOptions GalleryArgs::options() const { return gallery_options(passphrase()); }

Gallery GalleryArgs::open(bool read_only, int threads, std::optional<IndexKind> kind) const {
  GalleryOptions given = options();
  given.read_only = read_only;
  given.threads = threads;
  given.index = kind;
  return open_gallery(path.string(), given);
}

Gallery GalleryArgs::open_or_create(const EmbeddingSpace& space, const CreateOptions& create) const {
  if (exists()) return open(false);
  return open_or_create_gallery(path.string(), space, create, options());
}

bool GalleryArgs::exists() const { return gallery_exists(path.string()); }

std::string GalleryArgs::name() const {
  const std::string text = path.string();
  if (!at_server(text)) return text;
  const std::size_t scheme = text.find("://") + 3;
  const std::size_t options = std::min(text.find('?', scheme), text.size());
  const std::size_t user = text.rfind('@', options);
  const std::size_t place = user == std::string::npos || user < scheme ? scheme : user + 1;
  std::string told = text.substr(0, scheme) + text.substr(place, options - place);
  if (const std::size_t gallery = text.find("gallery=", options); gallery != std::string::npos)
    told += '?' + text.substr(gallery, text.find('&', gallery) - gallery);
  return told;
}

void GalleryArgs::require_writable() const {
  if (!at_server(path.string())) likeness::require_writable(path);
}

std::optional<std::string> GalleryArgs::passphrase() const { return gallery_passphrase(key_file); }

bool GalleryArgs::is(const GalleryArgs& other) const {
  std::error_code ignored;
  return path == other.path || std::filesystem::equivalent(path, other.path, ignored);
}

ModelOptions models_for(const EmbeddingSpace& space, ModelOptions models) {
  if (models.model_given || space.contract.empty()) return models;
  const std::string name = contract_from_json(space.contract, "the gallery's contract").name;
  try {
    (void)find_pack(name, models.models);
    models.model = name;
  } catch (const Error& e) {
    if (e.code() != ErrorCode::kModelNotFound) throw;  // then the mismatch names both
  }
  return models;
}

void add_gallery_option(CLI::App& command, GalleryArgs& args) {
  command
      .add_option("--gallery", args.path, "The gallery's file, or postgresql://HOST/DATABASE?gallery=NAME")
      ->required();
  command.add_option("--key-file", args.key_file,
                     "File whose first line is an encrypted gallery's passphrase; else LIKENESS_GALLERY_KEY");
}

std::shared_ptr<const GalleryView> view_of(const Gallery& gallery) {
  ProgressBar bar("indexing");
  gallery.refresh(bar.callback());
  return gallery.view();
}

std::string remark(const NamingRule& rule) {
  switch (rule.origin) {
    case NamingRule::Origin::kModel: {
      char share[32];
      std::snprintf(share, sizeof share, "%.3g", 100 * rule.strangers_named.value_or(0));
      return "the gallery is not calibrated: by the model's measurements about " + std::string(share) +
             "% of strangers get a name among " + counted(rule.people, "person") + " (threshold " +
             rounded_up(*rule.threshold) +
             "); `likeness gallery calibrate` finds its own threshold, and "
             "probabilities";
    }
    case NamingRule::Origin::kNone:
      return "the gallery is not calibrated, so nobody gets a name; run `likeness gallery calibrate`";
    default:
      return "";
  }
}

nlohmann::ordered_json threshold_json(const NamingRule& rule) {
  if (!rule.threshold) return nullptr;
  return *rule.threshold;
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
