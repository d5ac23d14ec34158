# Completion of piton's command line for fish. To have it in every session:
#   piton completions fish > ~/.config/fish/completions/piton.fish

function __piton_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    $words[1] __complete fish $words "$current" 2>/dev/null
end

complete -c piton -a '(__piton_complete)'
