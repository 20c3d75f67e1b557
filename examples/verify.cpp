// Whether the main faces of two photos are one person's: verify MODELS PHOTO PHOTO

#include <likeness/likeness.h>

#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  try {
    const likeness::Recognizer recognizer({.models = {argv[1]}});
    const likeness::VerificationResult found =
        recognizer.verify(likeness::PhotoSource::files({argv[2]}), likeness::PhotoSource::files({argv[3]}));
    if (!found.same()) {
      std::printf("no face in %s\n", found.a.faces == 0 ? argv[2] : argv[3]);
      return 0;
    }
    std::printf("%s: similarity %.3f, threshold %.3f\n", *found.same() ? "same person" : "different people",
                *found.similarity, found.rule.threshold);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
