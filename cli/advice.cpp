#include "cli/advice.h"

namespace likeness::cli {
namespace {

const char* words_for(Remedy remedy) {
  switch (remedy) {
    case Remedy::kNone:
      return "";
    case Remedy::kFetchModels:
      return "; run scripts/demo to fetch the models, or say where with --models";
    case Remedy::kUseF32:
      return "; use --precision f32";
    case Remedy::kQuantize:
      return "; make one with `likeness model quantize`";
    case Remedy::kChooseOutput:
      return "; say which with --output";
    case Remedy::kChooseSize:
      return "; say which with --width and --height";
    case Remedy::kEnrolSomebody:
      return "; `gallery add` makes one";
    case Remedy::kGivePassphrase:
      return ": give it with --key-file or LIKENESS_GALLERY_KEY";
  }
  return "";
}

}  // namespace

std::string with_advice(const Error& error) { return std::string(error.what()) + words_for(error.remedy()); }

}  // namespace likeness::cli
