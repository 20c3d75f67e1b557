# Makes page_files.cpp of the page's files: their bytes, in pieces that every compiler takes as one literal.
set(page_entries)
foreach(page_file IN ITEMS
    index.html icon.svg app.css
    add.js api.js app.js changes.js dom.js files.js people.js person.js pictures.js search.js system.js
    thresholds.js tryit.js unnamed.js words.js)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS web/${page_file})
  file(READ web/${page_file} page_hex HEX)
  string(LENGTH "${page_hex}" page_left)
  set(page_literals)
  set(page_from 0)
  while(page_from LESS page_left)
    string(SUBSTRING "${page_hex}" ${page_from} 20000 page_piece)
    string(REGEX REPLACE "(..)" "\\\\x\\1" page_piece "${page_piece}")
    string(APPEND page_literals "      \"${page_piece}\"sv,\n")
    math(EXPR page_from "${page_from} + 20000")
  endwhile()
  string(REPLACE "/web/index.html" "/" page_path "/web/${page_file}")
  string(APPEND page_entries "    add(\"${page_path}\", {\n${page_literals}    });\n")
endforeach()
configure_file(web/page_files.cpp.in ${CMAKE_CURRENT_BINARY_DIR}/page_files.cpp @ONLY)
