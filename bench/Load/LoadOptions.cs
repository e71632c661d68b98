using System.Net;
using System.Text;
using CozeCluster.Bench;

namespace CozeCluster.Load;

/// <summary>What a run does. Every value comes from the command line.</summary>
internal sealed record LoadOptions
{
    public const string Help = """
        Load: opens streams to a server on loopback and measures what arrives.

          Load --url http://127.0.0.1:7077/v1/chat/completions --api openai --key sk-sandbox --model coze-sandbox [options]
          Load --url http://127.0.0.1:7078/coze/v3/chat --api coze --key pat_sandbox --bot 7350000000000000001 [options]
          Load table <folder>              prints the results in a folder as a table

          --name NAME                      name of the result (default: load)
          --target NAME                    what is measured: direct, proxy, node, volatile, charged (default: direct)
          --streams N                      concurrent streams, 1 to 10000 (default: 100)
          --chunks N                       deltas in each reply (default: 100)
          --chunk N                        characters in each delta (default: 8)
          --pace MS                        time between deltas; 0: no pauses (default: 0)
          --stall MS                       silence after the first delta (default: 0)
          --seconds S                      duration of the measurement, at most 600 (default: 10)
          --warmup S                       duration of the warm-up before it (default: 2)
          --ramp S                         the time over which the streams are opened (default: 1)
          --hold                           each stream sends one delta and is then silent; measures while all of them are open
          --server-pid PID[,PID]           the measured process; several are added up
          --upstream-pid PID               the process behind it, measured separately
          --json FILE                      the file for the result
        """;

    public string Name { get; init; } = "load";
    public string Target { get; init; } = "direct";
    public required Uri Url { get; init; }
    public bool IsCoze { get; init; }
    public string Key { get; init; } = "";
    public string Model { get; init; } = "coze-sandbox";
    public string Bot { get; init; } = "7350000000000000001";
    public int Streams { get; init; } = 100;
    public int Chunks { get; init; } = 100;
    public int ChunkSize { get; init; } = 8;
    public TimeSpan Pace { get; init; }
    public TimeSpan Stall { get; init; }
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(10);
    public TimeSpan Warmup { get; init; } = TimeSpan.FromSeconds(2);
    public TimeSpan Ramp { get; init; } = TimeSpan.FromSeconds(1);
    public bool Hold { get; init; }
    public IReadOnlyList<int> ServerPids { get; init; } = [];
    public int? UpstreamPid { get; init; }
    public string? JsonFile { get; init; }

    /// <exception cref="ArgumentException">An option is unknown or has a wrong value.</exception>
    public static LoadOptions Parse(string[] args)
    {
        Uri? url = null;
        var options = new LoadOptions { Url = null! };
        for (var i = 0; i < args.Length; i++)
        {
            var name = args[i];
            if (name == "--hold")
            {
                options = options with { Hold = true };
                continue;
            }
            var value = i + 1 < args.Length ? args[++i] : throw new ArgumentException($"{name} needs a value");
            options = name switch
            {
                "--name" => options with { Name = value },
                "--target" => options with { Target = value },
                "--url" => options with { Url = url = ParseLoopbackUrl(value) },
                "--api" => options with { IsCoze = ParseApi(value) },
                "--key" => options with { Key = value },
                "--model" => options with { Model = value },
                "--bot" => options with { Bot = value },
                "--streams" => options with { Streams = CommandLine.Number(name, value, 1, 10_000) },
                "--chunks" => options with { Chunks = CommandLine.Number(name, value, 1, 100_000) },
                "--chunk" => options with { ChunkSize = CommandLine.Number(name, value, 1, 1_000) },
                "--pace" => options with { Pace = TimeSpan.FromMilliseconds(CommandLine.Number(name, value, 0, 600_000)) },
                "--stall" => options with { Stall = TimeSpan.FromMilliseconds(CommandLine.Number(name, value, 0, 600_000)) },
                "--seconds" => options with { Duration = TimeSpan.FromSeconds(CommandLine.Number(name, value, 1, 600)) },
                "--warmup" => options with { Warmup = TimeSpan.FromSeconds(CommandLine.Number(name, value, 0, 600)) },
                "--ramp" => options with { Ramp = TimeSpan.FromSeconds(CommandLine.Number(name, value, 0, 600)) },
                "--server-pid" => options with { ServerPids = [.. value.Split(',').Select(pid => CommandLine.Number(name, pid, 1, int.MaxValue))] },
                "--upstream-pid" => options with { UpstreamPid = CommandLine.Number(name, value, 1, int.MaxValue) },
                "--json" => options with { JsonFile = value },
                _ => throw new ArgumentException($"unknown option {name}"),
            };
        }
        return url is null ? throw new ArgumentException("--url is missing") : options;
    }

    /// <summary>The bytes of a request. All requests are the same.</summary>
    public byte[] CreateRequest()
    {
        // Directives for the sandbox. The reply contains only text, so that all targets transfer the same.
        var stall = Hold ? " stall_after=1 stall=600s" : Stall > TimeSpan.Zero ? $" stall_after=1 stall={(int)Stall.TotalMilliseconds}ms" : "";
        var prompt = $"go [[chunks={Chunks} chunk={ChunkSize} pace={(int)Pace.TotalMilliseconds}ms followups=0{stall}]]";
        var body = IsCoze
            ? $$"""{"bot_id":"{{Bot}}","user_id":"load","stream":true,"additional_messages":[""" +
                $$"""{"role":"user","type":"question","content_type":"text","content":"{{prompt}}"}]}"""
            : $$"""{"model":"{{Model}}","stream":true,"messages":[{"role":"user","content":"{{prompt}}"}]}""";
        return Encoding.ASCII.GetBytes(
            $"POST {Url.PathAndQuery} HTTP/1.1\r\nHost: {Url.Authority}\r\nAuthorization: Bearer {Key}\r\n" +
            $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}");
    }

    private static bool ParseApi(string value) => value switch
    {
        "coze" => true,
        "openai" => false,
        _ => throw new ArgumentException($"--api must be openai or coze, but is {value}"),
    };

    // This tool loads a server as much as possible, so it accepts only servers of its user.
    private static Uri ParseLoopbackUrl(string value) =>
        Uri.TryCreate(value, UriKind.Absolute, out var url)
        && url.Scheme == "http" && IPAddress.TryParse(url.Host, out var address) && IPAddress.IsLoopback(address)
            ? url
            : throw new ArgumentException($"--url must be http:// on a loopback address, but is {value}");
}
