using System.Globalization;
using System.Runtime.InteropServices;

namespace CozeCluster.Bench;

/// <summary>The parts that the command lines of the tools in <c>bench</c> share.</summary>
internal static class CommandLine
{
    /// <summary>Reads the options. Prints the help after <c>--help</c>, and the error and the help after a wrong option.</summary>
    /// <param name="args">The command line.</param>
    /// <param name="help">The help.</param>
    /// <param name="parse">Reads the options; throws <see cref="ArgumentException"/> if one is unknown or has a wrong value.</param>
    /// <param name="exitCode">The exit code if there are no options: 0 after <c>--help</c>, 2 after a wrong option.</param>
    /// <returns>The options; null if the program must end.</returns>
    public static T? Parse<T>(string[] args, string help, Func<string[], T> parse, out int exitCode) where T : class
    {
        exitCode = 0;
        if (args is ["--help"])
        {
            Console.WriteLine(help);
            return null;
        }
        try
        {
            return parse(args);
        }
        catch (ArgumentException fault)
        {
            Console.Error.WriteLine($"{fault.Message}\n\n{help}");
            exitCode = 2;
            return null;
        }
    }

    /// <summary>
    /// Runs a tool that starts servers. SIGINT and SIGTERM cancel the token instead of ending the process, so that the tool can end its servers first.
    /// </summary>
    /// <param name="limit">Cancels the token after this time.</param>
    /// <param name="run">The tool; returns the exit code.</param>
    /// <returns>The exit code; 130 if the token was cancelled.</returns>
    public static async Task<int> RunAsync(TimeSpan limit, Func<CancellationToken, Task<int>> run)
    {
        using var stop = new CancellationTokenSource(limit);
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        try
        {
            return await run(stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            Console.Error.WriteLine(limit == Timeout.InfiniteTimeSpan ? "The run was stopped." : "The run was stopped, or took longer than --limit.");
            return 130;
        }

        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stop.Cancel();
        }
    }

    /// <summary>Reads a whole number.</summary>
    /// <exception cref="ArgumentException">The value is not a number, or is out of range.</exception>
    public static int Number(string name, string value, int min, int max) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max
            ? number
            : throw new ArgumentException($"{name} must be a whole number from {min} to {max}, but is {value}");
}
