# Completion of agentprep(8) in fish.
# @@made@@

function __agentprep_words --description 'Print the command on the command line and its arguments, without options'
    set -l before (commandline -opc)
    set -e before[1]
    set -l value no
    for word in $before
        if test $value = yes
            set value no
            continue
        end
        switch $word
            case @@valued@@
                set value yes
            case '-*'
            case '*'
                printf '%s\n' $word
        end
    end
end

function __agentprep_on --description 'Whether it is this command, and stands there with that many arguments'
    set -l words (__agentprep_words)
    test "$words[1]" = $argv[1]; or return 1
    test (count $argv) = 1; or test (count $words) = (math $argv[2] + 1)
end

function __agentprep_free --description 'Whether there is no command yet'
    test (count (__agentprep_words)) = 0
end

function __agentprep_ids --description 'Print every requirement that the list on the command line has not'
    set -l given (string split , -- (string replace -r '^--[a-z]+=' '' -- (commandline -ct)))
    __agentprep_all_ids | while read -d \t -l id title
        contains -- $id $given[1..-2]; or printf '%s\t%s\n' $id $title
    end
end

function __agentprep_all_ids
    @@ids@@
end

function __agentprep_settings
    set -l word (string replace -r '^--set=' '' -- (commandline -ct))
    if not string match -q '*=*' -- $word
        @@settings@@
        return
    end
    switch (string replace -r '=.*' '' -- $word)
        @@values@@
    end
end

function __agentprep_runs
    set -l before (commandline -opc)
    set -l root (string match -- '--root=*' $before)
    if set -l at (contains -i -- --root $before)
        set root --root $before[(math $at + 1)]
    end
    agentprep history $root 2>/dev/null | string match -r '^[0-9].*' | string replace -r '^(\S+)\s+' '$1\t'
end

complete -c agentprep -f
@@complete@@
