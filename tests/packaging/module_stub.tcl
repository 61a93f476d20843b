# tclsh module_stub.tcl MODE MODULEFILE: sources a modulefile with the commands of Environment
# Modules, each of which prints its arguments; ends with 1 where the modulefile breaks off.
set mode [lindex $argv 0]
set ModulesCurrentModulefile [lindex $argv 1]
foreach command {module-whatis conflict setenv prepend-path append-path} {
    proc $command args [format {
        puts "%s [join $args { }]"
    } $command]
}
proc module-info {what {is {}}} {
    global mode
    if {$what ne "mode"} {
        error "module-info $what is not in this stub"
    }
    return [expr {$is eq "" ? $mode : $is eq $mode}]
}
set outcome [catch {source $ModulesCurrentModulefile} message]
if {$outcome == 3} { # break
    exit 1
}
if {$outcome != 0 && $outcome != 2} {
    puts stderr $message
    exit 2
}
if {$mode eq "help"} {
    ModulesHelp
}
