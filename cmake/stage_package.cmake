# cmake -DBUILD=FOLDER -DPREFIX=FOLDER -P cmake/stage_package.cmake: a fresh installation of that build, the conformance kit included.
file(REMOVE_RECURSE "${PREFIX}")
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${PREFIX}" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${PREFIX}" --component conformance_kit
                COMMAND_ERROR_IS_FATAL ANY)
