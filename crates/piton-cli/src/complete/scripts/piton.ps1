# Completion of piton's command line for PowerShell. To have it in every session:
#   piton completions powershell >> $PROFILE

Register-ArgumentCompleter -Native -CommandName piton -ScriptBlock {
    param($current, $line, $position)
    $words = @(
        foreach ($element in $line.CommandElements) {
            if ($element.Extent.EndOffset -ge $position) { break }
            if ($element -is [System.Management.Automation.Language.StringConstantExpressionAst]) {
                $element.Value
            } else {
                $element.Extent.Text
            }
        }
    )
    if ($words.Count -eq 0) { return }
    $program = $words[0]
    # An argument that is empty would be lost: the last one has a letter in front.
    & $program __complete powershell @words "=$current" 2>$null | ForEach-Object {
        $word, $remark = $_ -split "`t", 2
        if (-not $remark) { $remark = $word }
        [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $remark)
    }
}
