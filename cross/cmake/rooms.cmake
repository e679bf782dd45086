# A room is one top-level folder and one static library. Headers are included with the room's name
# in front ("storage/ledger.hpp"), and a room's headers are on the include path of a target only
# when that target links the room: an arrow that the architecture does not draw does not compile.
#
#   tapd_room(storage SOURCES ledger.cpp ... USES SQLiteCpp)

function(tapd_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;USES;HIDES" ${ARGN})
  set(stage ${CMAKE_BINARY_DIR}/rooms/${name})
  file(MAKE_DIRECTORY ${stage})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${name} ${stage}/${name} SYMBOLIC)
  add_library(tapd_${name} STATIC ${ROOM_SOURCES})
  target_include_directories(tapd_${name} PUBLIC ${stage})
  target_link_libraries(tapd_${name} PUBLIC ${ROOM_USES} PRIVATE tapd_options ${ROOM_HIDES})
endfunction()
