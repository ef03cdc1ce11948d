package ledger

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteText writes the table as lines of text: a row a function, then the cells
// that are not applicable and why, then the counts, then what is red.
func (t *Table) WriteText(w io.Writer) error {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(tab, "function\tclause")
	for _, c := range Columns {
		fmt.Fprintf(tab, "\t%s", c)
	}
	fmt.Fprintln(tab, "\tmutants")
	for _, r := range t.Rows {
		fmt.Fprintf(tab, "%s\t%s", r.Function, strings.Join(names(r.Clauses), " "))
		for _, c := range Columns {
			fmt.Fprintf(tab, "\t%s", r.Cells[c].State())
		}
		fmt.Fprintf(tab, "\t%d of %d killed\n", r.Killed, r.Faults)
	}
	if err := tab.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nNot applicable:")
	for _, r := range t.Rows {
		for _, c := range Columns {
			if cell := r.Cells[c]; cell.State() == "n/a" {
				fmt.Fprintf(w, "  %s of %s: %s\n", c, r.Function, cell.Reason)
			}
		}
	}
	fmt.Fprintf(w, "\n%s\n", t.Counts)
	for _, p := range t.Problems {
		fmt.Fprintf(w, "RED: %s\n", p)
	}
	return nil
}

// String says the counts in one line.
func (c Counts) String() string {
	return fmt.Sprintf("%d functions, %d clauses; %d cells: %d full, %d not applicable, %d empty; %d faults, %d shown to be killed",
		c.Functions, c.Clauses, c.Cells, c.Full, c.NotApplicable, c.Empty, c.Faults, c.Killed)
}

func names(links []Link) []string {
	var list []string
	for _, l := range links {
		list = append(list, l.Name)
	}
	return list
}

// WriteJSON writes the table as one JSON object.
func (t *Table) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(t)
}

//go:embed page.html
var page string

// WriteHTML writes the table as one HTML page that needs nothing else. base is the
// relative path from the page's folder to the checkout, with a slash at its end:
// the links into the sources begin with it.
func (t *Table) WriteHTML(w io.Writer, base string) error {
	tmpl, err := template.New("page").Funcs(template.FuncMap{
		"href": func(l Link) string {
			if l.Line == 0 {
				return base + l.File
			}
			return fmt.Sprintf("%s%s#L%d", base, l.File, l.Line)
		},
		"place": func(r Row) Link { return Link{r.Function, r.File, r.Line} },
	}).Parse(page)
	if err != nil {
		return err
	}
	return tmpl.Execute(w, map[string]any{"Table": t, "Columns": Columns})
}
