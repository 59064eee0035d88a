/* cli/main.c - posthouse: find the sub-command and run it. */
int main(void)
{
	return 0;
}
