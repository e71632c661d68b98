using System.Diagnostics;
using System.Text;

namespace CozeCluster.EndToEnd.Tests.Operations;

/// <summary>The command <c>repl</c>, as its own process.</summary>
public sealed class ReplTests(NodeFixture node)
{
    [Fact]
    public async Task Repl_keeps_the_history_and_ends_with_q()
    {
        var mark = $"mark-{Guid.NewGuid():n}";
        await using var repl = Terminal.Start(node.Url, node.NewRequest().Model);

        await repl.TypeAsync($"{mark} one [[say=\"first reply\"]]");
        await repl.WaitForAsync("Bot> first reply");
        await repl.TypeAsync($"{mark} two [[say=\"second reply\"]]");
        await repl.WaitForAsync("Bot> second reply");
        await repl.TypeAsync(":q");

        Assert.Equal(0, await repl.WaitForExitAsync());
        var chat = node.Coze.Chats.Last(chat => chat.Prompt.Contains(mark, StringComparison.Ordinal));
        Assert.Equal(["user", "assistant", "user"], chat.RequestMessages.Select(message => message.Role));
        Assert.Equal("first reply", chat.RequestMessages[1].Content);
    }

    [Fact]
    public async Task Repl_CtrlC_cancels_the_reply_and_the_conversation_continues()
    {
        var mark = $"mark-{Guid.NewGuid():n}";
        await using var repl = Terminal.Start(node.Url, node.NewRequest().Model);

        await repl.TypeAsync($"{mark} [[chunks=100000 pace=20ms]]");
        await node.Coze.WaitForChatAsync(
            chat => chat.Prompt.Contains(mark, StringComparison.Ordinal) && chat.DeltasSent > 3, TestTimeout.Token);
        await repl.InterruptAsync();
        await repl.WaitForAsync("cancelled");
        await node.Coze.WaitForChatAsync(chat => chat.Prompt.Contains(mark, StringComparison.Ordinal) && chat.Canceled, TestTimeout.Token);
        await repl.TypeAsync($"{mark} again [[say=\"still here\"]]");
        await repl.WaitForAsync("Bot> still here");
        await repl.TypeAsync(":q");

        Assert.Equal(0, await repl.WaitForExitAsync());
    }

    [Fact]
    public async Task Repl_CtrlC_at_the_prompt_ends_it()
    {
        await using var repl = Terminal.Start(node.Url, node.NewRequest().Model);
        await repl.WaitForAsync("Me> ");

        await repl.InterruptAsync();

        Assert.NotEqual(0, await repl.WaitForExitAsync());
    }

    [Fact]
    public async Task Repl_shows_errors_and_continues()
    {
        await using var repl = Terminal.Start(node.Url, node.NewRequest().Model);

        await repl.TypeAsync("[[early_error=4000]]");
        await repl.WaitForAsync("4000");
        await repl.TypeAsync("[[say=\"after the error\"]]");
        await repl.WaitForAsync("Bot> after the error");
    }

    [Theory]
    [InlineData("key-of-nobody", "API key is not valid")]
    [InlineData(null, "no API key")]
    public async Task Repl_refused_key_is_reported(string? key, string expected)
    {
        await using var repl = Terminal.Start(node.Url, model: null, key);

        await repl.WaitForAsync(expected);

        Assert.Equal(1, await repl.WaitForExitAsync());
    }

    /// <summary>A terminal in which <c>repl</c> runs.</summary>
    private sealed class Terminal : IAsyncDisposable
    {
        private readonly Process _process;
        private readonly StringBuilder _shown = new();
        private readonly Task _reading;
        private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        private Terminal(Process process)
        {
            _process = process;
            _reading = ReadAsync();
        }

        public static Terminal Start(Uri url, string? model, string? key = TestFleet.Key)
        {
            string[] arguments = [Path.Combine(AppContext.BaseDirectory, "CozeCluster.Silo.dll"), "repl", "--url", url.ToString()];
            var start = new ProcessStartInfo(
                Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", model is null ? arguments : [.. arguments, "--model", model])
            {
                RedirectStandardInput = true, RedirectStandardOutput = true, StandardInputEncoding = new UTF8Encoding(false),
                StandardOutputEncoding = Encoding.UTF8,
            };
            if (key is not null) start.Environment["COZECLUSTER_KEY"] = key;
            return new Terminal(Process.Start(start)!);
        }

        public async Task TypeAsync(string line)
        {
            await _process.StandardInput.WriteLineAsync(line.AsMemory(), TestTimeout.Token);
            await _process.StandardInput.FlushAsync(TestTimeout.Token);
        }

        public async Task WaitForAsync(string text)
        {
            var token = TestTimeout.Token;
            while (true)
            {
                Task changed;
                lock (_shown)
                {
                    if (_shown.ToString().Contains(text, StringComparison.Ordinal)) return;
                    Assert.False(_reading.IsCompleted, $"The program ended without showing '{text}':\n{_shown}");
                    changed = _changed.Task;
                }
                await changed.WaitAsync(token);
            }
        }

        public async Task InterruptAsync()
        {
            using var kill = Process.Start("kill", ["-INT", $"{_process.Id}"]);
            await kill.WaitForExitAsync(TestTimeout.Token);
        }

        public async Task<int> WaitForExitAsync()
        {
            await _process.WaitForExitAsync(TestTimeout.Token);
            return _process.ExitCode;
        }

        public async ValueTask DisposeAsync()
        {
            if (!_process.HasExited) _process.Kill();
            await _process.WaitForExitAsync();
            await _reading;
            _process.Dispose();
        }

        private async Task ReadAsync()
        {
            var buffer = new char[1024];
            int count;
            do
            {
                count = await _process.StandardOutput.ReadAsync(buffer);
                TaskCompletionSource changed;
                lock (_shown)
                {
                    _shown.Append(buffer, 0, count);
                    changed = _changed;
                    _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                }
                changed.SetResult();
            }
            while (count > 0);
        }
    }
}
