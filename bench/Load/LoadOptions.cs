using System.Globalization;
using System.Net;
using System.Text;

namespace CozeCluster.Load;

/// <summary>What a run does. Every value comes from the command line.</summary>
internal sealed record LoadOptions
{
    public const string Help = """
        Load: opens streams against a local server and measures what arrives.

          Load --url http://127.0.0.1:7077/v1/chat/completions --api openai --key sk-sandbox --model coze-sandbox [options]
          Load --url http://127.0.0.1:7078/coze/v3/chat --api coze --key pat_sandbox --bot 7350000000000000001 [options]
          Load table <folder>              prints the results in a folder as a table

          --name NAME                      what to call the result (default: load)
          --target NAME                    which way it went: direct, proxy, node, volatile (default: direct)
          --streams N                      open at once, 1 to 10000 (default: 100)
          --chunks N                       deltas in each reply (default: 100)
          --chunk N                        characters in each delta (default: 8)
          --pace MS                        time between deltas; 0 is as fast as it goes (default: 0)
          --stall MS                       silence after the first delta (default: 0)
          --seconds S                      how long to measure, at most 600 (default: 10)
          --warmup S                       how long to run before that (default: 2)
          --ramp S                         over how long the streams are opened (default: 1)
          --hold                           streams say one delta and fall silent; measures while all of them are open
          --server-pid PID[,PID]           the process to measure; several are added up
          --upstream-pid PID               the process behind it, told beside it
          --json FILE                      where to write the result
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

    /// <exception cref="ArgumentException">An option is unknown or its value is none it takes.</exception>
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
                "--url" => options with { Url = url = Local(value) },
                "--api" => options with { IsCoze = value switch { "coze" => true, "openai" => false, _ => throw new ArgumentException("--api is openai or coze") } },
                "--key" => options with { Key = value },
                "--model" => options with { Model = value },
                "--bot" => options with { Bot = value },
                "--streams" => options with { Streams = Number(name, value, 1, 10_000) },
                "--chunks" => options with { Chunks = Number(name, value, 1, 100_000) },
                "--chunk" => options with { ChunkSize = Number(name, value, 1, 1_000) },
                "--pace" => options with { Pace = TimeSpan.FromMilliseconds(Number(name, value, 0, 600_000)) },
                "--stall" => options with { Stall = TimeSpan.FromMilliseconds(Number(name, value, 0, 600_000)) },
                "--seconds" => options with { Duration = TimeSpan.FromSeconds(Number(name, value, 1, 600)) },
                "--warmup" => options with { Warmup = TimeSpan.FromSeconds(Number(name, value, 0, 600)) },
                "--ramp" => options with { Ramp = TimeSpan.FromSeconds(Number(name, value, 0, 600)) },
                "--server-pid" => options with { ServerPids = [.. value.Split(',').Select(pid => Number(name, pid, 1, int.MaxValue))] },
                "--upstream-pid" => options with { UpstreamPid = Number(name, value, 1, int.MaxValue) },
                "--json" => options with { JsonFile = value },
                _ => throw new ArgumentException($"unknown option {name}"),
            };
        }
        return url is null ? throw new ArgumentException("--url is missing") : options;
    }

    /// <summary>The bytes of one request; all are the same.</summary>
    public byte[] Request()
    {
        // Directives of the sandbox. Nothing beside the text, so that all ways carry the same.
        var stall = Hold ? " stall_after=1 stall=600s" : Stall > TimeSpan.Zero ? $" stall_after=1 stall={(int)Stall.TotalMilliseconds}ms" : "";
        var prompt = $"go [[chunks={Chunks} chunk={ChunkSize} pace={(int)Pace.TotalMilliseconds}ms followups=0{stall}]]";
        var body = IsCoze
            ? $$"""{"bot_id":"{{Bot}}","user_id":"load","stream":true,"additional_messages":[{"role":"user","type":"question","content_type":"text","content":"{{prompt}}"}]}"""
            : $$"""{"model":"{{Model}}","stream":true,"messages":[{"role":"user","content":"{{prompt}}"}]}""";
        return Encoding.ASCII.GetBytes(
            $"POST {Url.PathAndQuery} HTTP/1.1\r\nHost: {Url.Authority}\r\nAuthorization: Bearer {Key}\r\n" +
            $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}");
    }

    // This tool presses a server as hard as it can: only one's own.
    private static Uri Local(string value) =>
        Uri.TryCreate(value, UriKind.Absolute, out var url) && url.Scheme == "http" && IPAddress.TryParse(url.Host, out var address) && IPAddress.IsLoopback(address)
            ? url
            : throw new ArgumentException($"--url must be http:// on a loopback address, was {value}");

    private static int Number(string name, string value, int least, int most) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new ArgumentException($"{name} is a whole number from {least} to {most}, was {value}");
}
