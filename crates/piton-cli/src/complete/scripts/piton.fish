# Completion of piton's command line for fish. To have it in every session:
#   piton completions --install fish

function __piton_complete
    set -l words (commandline -opc)
    # The word as it is typed may have quotes and backslashes.
    set -l typed (commandline -ct)
    set -l current (string unescape -- $typed)
    or set current (string trim --left --chars "'\"" -- $typed)
    set -l found ($words[1] __complete fish $words "$current" 2>/dev/null)
    if set -q found[1]
        printf '%s\n' $found
    else if not string match -q ':*' -- "$current"
        # Nothing of ours: a file of this computer.
        __fish_complete_path "$current"
    end
end

complete -c piton -f -a '(__piton_complete)'
