#include <iostream>

#include "likeness/detect/face_detector.h"
#include "likeness/image/image.h"
#include "likeness/image/write_image.h"

// Finds no face in a grey picture: enough to need every library that likeness is built on.
int main(int argc, char** argv) {
  if (argc != 2) return 2;
  likeness::FaceDetector detector(argv[1]);
  const likeness::Image grey(64, 48, 128);
  std::cout << detector.detect(grey.view()).size() << " faces, " << likeness::encode_png(grey.view()).size()
            << " bytes\n";
}
