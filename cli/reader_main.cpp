#include "likeness/embed/import_pack.h"

// Reads one network file of a stranger for `model import`, in a process of its own.
int main(int argc, char** argv) { return likeness::reader_main(argc, argv); }
